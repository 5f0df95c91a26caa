"""Converting a GGUF file into an ordinary model folder with dequantised weights and a tokenizer."""

from pathlib import Path


def convert_gguf(gguf: str | Path, folder: str | Path) -> None:
    """Read a GGUF file's weights as float32 and save config, safetensors and tokenizer in `folder`.

    A model read from GGUF can not be saved, since its config names a quantisation. Its weights are therefore moved into
    a new model of the same shape.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    gguf = Path(gguf)
    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    config = AutoConfig.from_pretrained(**place)
    config.dtype = "float32"
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        clean = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    clean.load_state_dict(read.state_dict(), assign=True)  # assign: without a second copy of the weights in memory
    clean.generation_config = read.generation_config
    clean.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**place).save_pretrained(folder)
