"""Where the local lakehouse lives and which ports it uses, from the environment."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from loaders.errors import LoaderError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 18333
WAREHOUSE = "warehouse"
# The lakehouses of `make demo` and `make slim` are in the home of the other one, on ports of their own.
DEMO = "demo"
SLIM = "slim"
DEMO_PORT_OFFSET = 20
SLIM_PORT_OFFSET = 40
PORT_OFFSETS = {DEMO: DEMO_PORT_OFFSET, SLIM: SLIM_PORT_OFFSET}
LANDING_BUCKET = "landing"

# Offsets in the block of ports that starts at LAKEHOUSE_PORT.
PORT_NAMES = (
    "s3",
    "iceberg",
    "s3_grpc",
    "master",
    "master_grpc",
    "volume",
    "volume_grpc",
    "filer",
    "filer_grpc",
    "admin",
)
# The store's own worker looks for the admin server there, whatever it is told: elsewhere it retries for ever.
ADMIN_GRPC_OFFSET = 10000


@dataclass(frozen=True)
class Settings:
    """Home directory and first port of one local lakehouse."""

    home: Path
    port: int

    @classmethod
    def from_environment(cls) -> Settings:
        """Read LAKEHOUSE_HOME (default `.lakehouse` in the checkout) and LAKEHOUSE_PORT (default 18333).

        With LAKEHOUSE=demo or LAKEHOUSE=slim it is the lakehouse of that make target that belongs to these.

        Raises:
            LoaderError: LAKEHOUSE_PORT is no usable port number, or LAKEHOUSE no lakehouse's name.
        """
        home = Path(os.environ.get("LAKEHOUSE_HOME") or ".lakehouse")
        text = os.environ.get("LAKEHOUSE_PORT") or str(DEFAULT_PORT)
        last = 65535 - ADMIN_GRPC_OFFSET - len(PORT_NAMES) - max(PORT_OFFSETS.values())
        if not text.isdecimal() or not 1024 <= int(text) <= last:
            raise LoaderError(f"LAKEHOUSE_PORT is {text!r}: set it to a number from 1024 to {last}")
        settings = cls(home=home if home.is_absolute() else PROJECT_ROOT / home, port=int(text))
        name = os.environ.get("LAKEHOUSE") or None
        if name is None:
            return settings
        if name not in PORT_OFFSETS:
            names = " or ".join(PORT_OFFSETS)
            raise LoaderError(f"LAKEHOUSE is {name!r}: set it to {names}, or unset it for your own")
        return cls(settings.home / name, settings.port + PORT_OFFSETS[name])

    @property
    def data(self) -> Path:
        """The directory of all that is stored."""
        return self.home / "store"

    @property
    def sample(self) -> Path:
        """The directory of the sample data that were made and loaded."""
        return self.home / "sample"

    @property
    def raw_tables_made(self) -> Path:
        """The file that tells that the raw tables were made, among the data so that it goes with them."""
        return self.data / "raw_tables_made"

    @property
    def ports(self) -> dict[str, int]:
        """Every port that the store listens on: the block of PORT_NAMES, and the admin server's gRPC port."""
        block = {name: self.port + offset for offset, name in enumerate(PORT_NAMES)}
        return {**block, "admin_grpc": block["admin"] + ADMIN_GRPC_OFFSET}

    @property
    def s3_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3']}"

    @property
    def iceberg_uri(self) -> str:
        return f"http://127.0.0.1:{self.ports['iceberg']}"


@dataclass(frozen=True)
class Credentials:
    """The keys of one local lakehouse: made at random on its first start, kept in its home.

    The key pair is for clients. The others sign what the store's own parts ask of one another: its
    documentation (`weed scaffold -config=security`) has them as `jwt.signing.key` and so on.
    """

    access_key: str
    secret_key: str
    signing_key: str
    signing_read_key: str
    filer_signing_key: str
    filer_signing_read_key: str

    @classmethod
    def load_or_create(cls, home: Path) -> Credentials:
        """Read `credentials.json` in `home`; what it lacks is made and written, for its owner only."""
        path = home / "credentials.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        # In bytes; those of the key pair are as long as in AWS.
        sizes = {field.name: 32 for field in fields(cls)} | {"access_key": 10, "secret_key": 20}
        made = {name: secrets.token_hex(size) for name, size in sizes.items() if name not in kept}
        if made:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, json.dumps(kept | made))
        return cls(**{name: (kept | made)[name] for name in sizes})


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; whoever reads it meanwhile sees the old or the new one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    beside.replace(path)
