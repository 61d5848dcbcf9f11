"""Verilog of the unmapped design, through Yosys."""

import tempfile
from pathlib import Path

from locgen.targets.cache import cached, key_of
from locgen.targets.toolchain import find_tool, run

__all__ = ["write_verilog"]

_CLEAN_UP = [
    "proc",
    "memory_collect",
    "setattr -unset src *",
    "setattr -mod -unset src *",
]


def write_verilog(
    modules: dict[str, str],
    out: Path,
    logs: Path,
    *,
    use_cache: bool = True,
    initial: bool = True,
) -> dict[str, Path]:
    """Write each RTLIL text as ``<name>.v`` into `out` and return the paths by name.

    One run of Yosys serves all. A module that a text uses and does not define stays an instance.
    Without `initial` registers have no value until a reset gives them one, as in a chip.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    tool = find_tool("yosys")
    script = []
    for name in sorted(modules):
        script += [f"read_rtlil {name}.il", *_CLEAN_UP]
        script += [] if initial else ["setattr -unset init w:*"]
        # Without -norename: Icarus 11 takes a function that is called \$procmux for a system's.
        script += [f"write_verilog -noattr {name}.v", "design -reset"]
    commands = "\n".join(script) + "\n"
    names = tuple(f"{name}.v" for name in sorted(modules))
    out.mkdir(parents=True, exist_ok=True)

    def produce() -> None:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            for name, text in modules.items():
                (work / f"{name}.il").write_text(text)
            (work / "script.ys").write_text(commands)
            run(tool, ["script.ys"], work, logs / "yosys_verilog.log")
            for name in names:
                (work / name).replace(out / name)

    key = key_of("verilog", tool.identity, commands, *(modules[n] for n in sorted(modules)))
    cached(key, names, out, produce, use_cache=use_cache)
    return {name: out / f"{name}.v" for name in modules}
