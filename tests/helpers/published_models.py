"""Shapes of published models, as their config.json has them. The number of weights that is published proves them."""

SHAPE = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
SHAPE += ("num_key_value_heads", "head_dim")
TIED, UNTIED = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}

# (weights, model_type of transformers, the values of SHAPE, other settings)
MODELS = {
    "SmolLM2-135M": (134_515_008, "llama", (49152, 576, 1536, 30, 9, 3, 64), TIED),
    "Llama-2-7b": (6_738_415_616, "llama", (32000, 4096, 11008, 32, 32, 32, 128), UNTIED),
    "Llama-3.2-1B": (1_235_814_400, "llama", (128256, 2048, 8192, 16, 32, 8, 64), TIED),
    "Llama-3.1-8B": (8_030_261_248, "llama", (128256, 4096, 14336, 32, 32, 8, 128), UNTIED),
    "Llama-3.1-70B": (70_553_706_496, "llama", (128256, 8192, 28672, 80, 64, 8, 128), UNTIED),
    "Qwen2.5-0.5B": (494_032_768, "qwen2", (151936, 896, 4864, 24, 14, 2, 64), TIED),
    "Qwen2.5-7B": (7_615_616_512, "qwen2", (152064, 3584, 18944, 28, 28, 4, 128), UNTIED),
    "Qwen3-4B": (4_022_468_096, "qwen3", (151936, 2560, 9728, 36, 32, 8, 128), TIED),
    "Qwen3-8B": (8_190_735_360, "qwen3", (151936, 4096, 12288, 36, 32, 8, 128), UNTIED),
    "Gemma-2-2b": (2_614_341_888, "gemma2", (256000, 2304, 9216, 26, 8, 4, 256), TIED),
    "Gemma-2-9b": (9_241_705_984, "gemma2", (256000, 3584, 14336, 42, 16, 8, 256), TIED),
    "Gemma-3-270m": (268_098_176, "gemma3_text", (262144, 640, 2048, 18, 4, 1, 256), TIED),
    "Gemma-3-1b": (999_885_952, "gemma3_text", (262144, 1152, 6912, 26, 4, 1, 256), TIED),
    "Mistral-7B-v0.1": (7_241_732_096, "mistral", (32000, 4096, 14336, 32, 32, 8, 128), UNTIED),
    "Mistral-Nemo": (12_247_782_400, "mistral", (131072, 5120, 14336, 40, 32, 8, 128), UNTIED),
    "Phi-3-mini": (3_821_079_552, "phi3", (32064, 3072, 8192, 32, 32, 32, 96), UNTIED),
    "Phi-4-mini": (3_836_021_760, "phi3", (200064, 3072, 8192, 32, 24, 8, 128), TIED),
    "OLMo-2-1B": (1_484_916_736, "olmo2", (100352, 2048, 8192, 16, 16, 16, 128), UNTIED),
    "SmolLM3-3B": (3_075_098_624, "smollm3", (128256, 2048, 11008, 36, 16, 4, 128), TIED),
    "StableLM-2-1.6b": (
        1_644_515_328,
        "stablelm",
        (100352, 2048, 5632, 24, 32, 32, 64),
        UNTIED | {"use_qkv_bias": True},
    ),
    "GLM-4-9b": (9_399_951_360, "glm", (151552, 4096, 13696, 40, 32, 2, 128), UNTIED | {"attention_bias": True}),
    "Granite-3.1-8b": (8_170_848_256, "granite", (49155, 4096, 12800, 40, 32, 8, 128), TIED),
    "Command-R": (34_980_831_232, "cohere", (256000, 8192, 22528, 40, 64, 64, 128), TIED),
    "Pythia-70m": (70_426_624, "gpt_neox", (50304, 512, 2048, 6, 8, 8, 64), UNTIED),
}
