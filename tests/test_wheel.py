"""The wheel works by itself: installed into a clean environment, used from another folder."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_wheel_in_a_clean_environment(tmp_path):
    """Build the wheel, install it alone, and build a design with it; no checkout in sight."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        + ["--disable-pip-version-check", "--wheel-dir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("locgen-*.whl")
    environment = tmp_path / "env"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "locgen/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (site,) = environment.glob("lib/python*/site-packages")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        + ["--disable-pip-version-check", "--target", site, wheel],
        check=True,
        capture_output=True,
    )
    # Dependencies come from the environment under test; its editable locgen does not, since .pth
    # files of a folder that is only on the path are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    work = tmp_path / "work"
    work.mkdir()

    def run(*arguments):
        return subprocess.run(
            [python, *arguments],
            cwd=work,
            env={
                "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin",
                "HOME": str(Path.home()),
            },
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert run("-c", "import locgen; print(locgen.__file__)").startswith(str(site))
    assert "icebreaker" in run("-m", "locgen", "boards")
    run("-m", "locgen", "doctor", "--json")
    (work / "train.py").write_text(
        "import pickle\n"
        "from sklearn.datasets import load_iris\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "tree = DecisionTreeClassifier(max_depth=3, random_state=0)\n"
        "pickle.dump(tree.fit(*load_iris(return_X_y=True)), open('iris.pkl', 'wb'))\n"
    )
    run("train.py")
    run("-m", "locgen", "build", "iris.pkl", "--board", "icestick", "--out", "here")
    assert (work / "here" / "iris.bin").stat().st_size > 10_000
    assert (work / "here" / "report.html").is_file()
