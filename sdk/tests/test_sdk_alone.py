import pathlib
import subprocess
import sys

SDK = pathlib.Path(__file__).parent.parent


def test_importing_the_sdk_loads_nothing_of_the_engine():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import detent, detent.testing\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(loaded & {'engine', 'api', 'cli', 'redis', 'msgspec', 'fastapi', 'uvicorn'})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(SDK)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_package_is_typed():
    assert (SDK / "detent" / "py.typed").exists()
