"""The average of several trained detectors of the same kind, tensor by tensor: better on rinks that none of them saw.

Runs from the same start lie in one basin, and what each learned by heart of its rinks averages out (Wortsman et al.,
*Model soups*, ICML 2022).

python -m weights.average one.safetensors two.safetensors --out weights/cleansheet-n.safetensors
"""

from pathlib import Path

import click
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tracker.detector_weights import file_sha256

PROPOSALS = ".proposals."
"""They go with the scores of one file, and not with an average of several: see `weights.propose`."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--share", multiple=True, type=float, help="Of each file, in their order; by default all the same.")
@click.option("--out", required=True, type=click.Path(path_type=Path))
def main(files: tuple[Path, ...], share: tuple[float, ...], out: Path) -> None:
    """Average the weights FILES."""
    shares = torch.tensor(share or (1.0,) * len(files))
    if len(shares) != len(files):
        raise click.BadParameter(f"--share was given {len(shares)} times for {len(files)} files")
    states = [
        {name: value for name, value in load_file(path).items() if PROPOSALS not in name} for path in files
    ]
    described = [_metadata(path) for path in files]
    activations = {metadata.get("activation", "silu") for metadata in described}
    if len(activations) > 1 or any(state.keys() != states[0].keys() for state in states):
        raise click.BadParameter("these files hold networks of different kinds")
    mean = {}
    for name, first in states[0].items():
        together = torch.stack([state[name].float() for state in states])
        mean[name] = torch.tensordot(shares / shares.sum(), together, 1).to(first.dtype).contiguous()
    metadata: dict[str, str] = {}
    for each in reversed(described):  # the first file's word counts; the others add what it does not say
        metadata |= each
    metadata.pop("proposal_channels", None)
    part = out.with_suffix(".part")
    save_file(mean, part, metadata)
    part.replace(out)
    click.echo(f"{out}  SHA-256 {file_sha256(out)}")


def _metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as opened:
        return dict(opened.metadata() or {})


if __name__ == "__main__":
    main()
