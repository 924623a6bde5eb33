"""What the bits of a training depend on besides data, plan and configuration: software, instruction set, code."""

import functools
import hashlib
import os
import platform
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

NUMERIC_CODE = ("adamw.py", "augmentation.py", "members.py", "pixels.py", "stage.py")
"""The files of this package that decide a weight's bits."""
NUMERIC_VARIABLES = ("DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")
INSTRUCTION_SETS = ("fma", "avx", "avx2", "avx512", "amx", "asimd", "sve")


@functools.cache
def environment() -> dict[str, str]:
    """The fingerprint as readable pairs; equal pairs promise equal bits."""
    return {
        "code": code_version(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
        **{name: os.environ[name] for name in NUMERIC_VARIABLES if name in os.environ},
    }


@functools.cache
def code_version() -> str:
    """SHA-256 over the numeric source files, hexadecimal."""
    digest = hashlib.sha256()
    for name in NUMERIC_CODE:
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
