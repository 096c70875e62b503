"""A real server of S3's protocol on this machine, for the lake to be copied to."""

import contextlib
import logging
from collections.abc import Iterator

from moto.server import ThreadedMotoServer
from pyarrow import fs

KEYS = {"AWS_ACCESS_KEY_ID": "ours", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Its address, until the end of the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def make_bucket(endpoint: str, name: str) -> None:
    address = endpoint.removeprefix("http://")
    keys = {"access_key": KEYS["AWS_ACCESS_KEY_ID"], "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    fs.S3FileSystem(scheme="http", endpoint_override=address, allow_bucket_creation=True, **keys).create_dir(name)
