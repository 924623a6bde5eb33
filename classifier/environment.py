"""What the bits of a training depend on besides data, plan and configuration: software, instruction set, code."""

import functools
import hashlib
import os
import platform
import sys
from pathlib import Path

import cv2
import numpy as np

from classifier.members import member

NUMERIC_CODE = (
    "adamw.py", "augmentation.py", "colours.py", "members.py", "networks.py", "pixels.py", "recipe.py", "ridge.py",
    "stage.py", "within_teams.csv",
)  # fmt: skip
"""The files of this package that decide a weight's bits."""
EXACT_CODE = ("colours.py", "ridge.py", "within_teams.csv")
"""Those that decide the linear member's, which depend on nothing else but how a picture's file is decoded."""
NUMERIC_VARIABLES = ("DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")
INSTRUCTION_SETS = ("fma", "avx", "avx2", "avx512", "amx", "asimd", "sve")


@functools.cache
def environment(member_name: str) -> dict[str, str]:
    """The fingerprint as readable pairs for a member; equal pairs promise equal bits."""
    if member(member_name).exact:
        return {"code": _code_version(EXACT_CODE), "arithmetic": "whole numbers", "opencv": cv2.__version__}
    import torch

    return {
        "code": _code_version(NUMERIC_CODE),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
        **{name: os.environ[name] for name in NUMERIC_VARIABLES if name in os.environ},
    }


def _code_version(files: tuple[str, ...]) -> str:
    """SHA-256 over source files, hexadecimal."""
    digest = hashlib.sha256()
    for name in files:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def _cpu() -> str:
    """Vendor and the instruction sets that numeric libraries choose their kernels by."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    facts = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in info.read_text().split("\n\n")[0].splitlines())
    }
    flags = facts.get("flags", facts.get("Features", "")).split()
    return " ".join([facts.get("vendor_id", ""), *sorted(f for f in flags if f.startswith(INSTRUCTION_SETS))]).strip()
