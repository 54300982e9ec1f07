"""Residual blocks, attention over coarse cells, and mixing along the axes of the grid."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def group_norm(width: int) -> nn.GroupNorm:
    """Group norm with groups of about 16 channels; unlike batch norm it does not tie samples together."""
    groups = next(g for g in range(max(1, width // 16), 0, -1) if width % g == 0)
    return nn.GroupNorm(groups, width)


class Conv3(nn.Conv3d):
    """3x3x3 convolution that keeps the grid's size.

    On a grid that is narrower than the kernel it computes in float32 whatever autocast says: in bfloat16,
    oneDNN's gradient of the weights then holds memory that was never written, now and then NaN.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(width_in, width_out, 3, padding=1)

    def forward(self, input: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c2 x y z"]:
        """Give the convolved grid."""
        if min(input.shape[2:]) >= 3:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            bias = None if self.bias is None else self.bias.float()
            return self._conv_forward(input.float(), self.weight.float(), bias).to(input.dtype)


class ResBlock(nn.Module):
    """Pre-activation residual block; an embedding, where there is one, scales and shifts (FiLM).

    Args:
        width: channels in and out.
        embedding: width of the condition's embedding, 0 for none.
    """

    def __init__(self, width: int, embedding: int = 0) -> None:
        super().__init__()
        self.norm1 = group_norm(width)
        self.conv1 = Conv3(width, width)
        self.norm2 = group_norm(width)
        self.conv2 = Conv3(width, width)
        # Starting as the identity keeps deep stacks trainable from the first step.
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # pyright: ignore[reportArgumentType]
        self.film = nn.Linear(embedding, 2 * width) if embedding else None

    def forward(
        self, h: Float[Tensor, "b c x y z"], embedding: Float[Tensor, "b e"] | None = None
    ) -> Float[Tensor, "b c x y z"]:
        """Give `h` plus what the block adds."""
        r = self.conv1(F.silu(self.norm1(h)))
        r = self.norm2(r)
        if self.film is not None and embedding is not None:
            scale, shift = self.film(embedding)[:, :, None, None, None].chunk(2, dim=1)
            r = r * (1 + scale) + shift
        return h + self.conv2(F.silu(r))


class AxisMix(nn.Module):
    """Lets each cell see the means along the three axis lines through it.

    Buildings are laid along the grid: a wall is one plane over many cells. Three means and a 1x1x1
    convolution let all of its cells agree at the cost of one cheap layer.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = group_norm(width)
        self.along = nn.ModuleList(nn.Conv3d(width, width, 1) for _ in range(3))
        for conv in self.along:
            nn.init.zeros_(conv.weight)  # pyright: ignore[reportArgumentType]

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c x y z"]:
        """Give `h` plus what its three axis lines say."""
        r = F.silu(self.norm(h))
        for axis, conv in zip((2, 3, 4), self.along, strict=True):
            h = h + conv(r.mean(dim=axis, keepdim=True))
        return h


class Attention(nn.Module):
    """Multi-head self-attention over the cells of a coarse grid (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        if width % self.heads:
            raise ValueError(f"attention over {width} numbers a cell; give a multiple of {self.heads}")
        self.norm = group_norm(width)
        self.qkv = nn.Conv3d(width, 3 * width, 1)
        self.out = nn.Conv3d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c x y z"]:
        """Give `h` plus what each cell gathers from all others."""
        b, c, *cells = h.shape
        qkv = self.qkv(self.norm(h)).reshape(b, 3, self.heads, c // self.heads, -1)
        q, k, v = qkv.transpose(-1, -2).unbind(1)
        r = F.scaled_dot_product_attention(q, k, v)
        return h + self.out(r.transpose(-1, -2).reshape(b, c, *cells))


class Down(nn.Module):
    """Halves the grid: 2x2x2 cells to one, by space-to-depth as a strided convolution."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(width_in, width_out, 2, stride=2)

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c2 x2 y2 z2"]:
        """Give `h` at half the resolution."""
        return self.conv(h)


class Up(nn.Module):
    """Doubles the grid: a 1x1x1 convolution, repeated over 2x2x2 cells.

    Repeating after the convolution costs an eighth of convolving after, and leaves no checkerboard.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(width_in, width_out, 1)

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c2 x2 y2 z2"]:
        """Give `h` at twice the resolution."""
        return F.interpolate(self.conv(h), scale_factor=2, mode="nearest")
