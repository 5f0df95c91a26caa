"""An output head that computes float32 logits over weights of 16 bits, without a float32 copy of all of them."""

import torch

ROWS = 16384
"""Tokens of the vocabulary whose weights are float32 at a time."""


class Float32Head(torch.nn.Linear):
    """A linear layer with frozen weights of 16 bits: (..., in) → (..., out) float32, whatever autocast says."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = _Float32Product.apply(hidden, self.weight)
        return logits if self.bias is None else logits + self.bias.float()


class _Float32Product(torch.autograd.Function):
    """hidden @ weight.T. Between the passes autograd itself would keep the float32 weights."""

    @staticmethod
    def forward(context, hidden, weight):
        context.save_for_backward(weight)
        context.dtype = hidden.dtype
        wide = hidden.float()
        with torch.autocast(hidden.device.type, enabled=False):
            return torch.cat([wide @ part.float().T for part in weight.split(ROWS)], dim=-1)

    @staticmethod
    def backward(context, gradient):
        (weight,) = context.saved_tensors
        pieces = zip(gradient.split(ROWS, dim=-1), weight.split(ROWS), strict=True)
        with torch.autocast(gradient.device.type, enabled=False):
            return sum(piece @ part.float() for piece, part in pieces).to(context.dtype), None
