"""Verilog of the unmapped design, through Yosys."""

import tempfile
from pathlib import Path

from locgen.targets.cache import cached, key_of
from locgen.targets.toolchain import find_tool, run

__all__ = ["write_verilog"]

_CLEAN_UP = [
    "proc",
    "memory_collect",
    "opt_clean -purge",
    "setattr -unset src *",
    "setattr -mod -unset src *",
]

# What Verilator -Wall finds in it and is meant. Nothing else is found: tests/targets/test_plain.py.
_WAIVED = {
    "ASCRANGE": "vectors of one module are numbered as Amaranth does",
    "CASEOVERLAP": "a case without parallel choices takes the first that fits",
    "DECLFILENAME": "one file holds several modules",
    "PROCASSINIT": "registers start from what the bitstream says",
    "UNUSEDSIGNAL": "a payload's bits are passed on whole",
    "WIDTHEXPAND": "constants are as wide as their value",
    "WIDTHTRUNC": "a word is tested for being zero",
}
_HEAD = "// Written by locgen. Waived for Verilator -Wall:\n" + "".join(
    f"// {reason}\n/* verilator lint_off {name} */\n" for name, reason in _WAIVED.items()
)


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
                text = (work / name).read_text()
                (work / name).write_text(_HEAD + text.partition("\n")[2])
                (work / name).replace(out / name)

    key = key_of("verilog", tool.identity, commands, _HEAD, *(modules[n] for n in sorted(modules)))
    cached(key, names, out, produce, use_cache=use_cache)
    return {name: out / f"{name}.v" for name in modules}
