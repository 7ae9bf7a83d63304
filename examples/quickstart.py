"""The quickstart written with fal's Python SDK. A test compares its length with that of quickstart.rs.

Run `pip install fal langid`, and then `fal run quickstart.py::MyApp`.
"""

import os
import tempfile
from pathlib import Path

import fal
from fastapi import Response
from langid.langid import LanguageIdentifier, model
from pydantic import BaseModel


class Input(BaseModel):
    """A text in an unknown language."""

    text: str


class Output(BaseModel):
    """The language of a text, and the confidence from 0 to 1."""

    language: str
    confidence: float


class HealthResponse(BaseModel):
    status: str


class Journal:
    """A file on a volume that may go away."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory

    def append(self, line: str) -> None:
        with open(self.directory / "journal", "a") as file:
            file.write(line + "\n")

    def ping(self) -> None:
        """Whether what is written can be read back."""
        path = self.directory / f"ping-{os.getpid()}"
        with open(path, "w") as file:
            file.write("ping")
            file.flush()
            os.fsync(file.fileno())
        read = path.read_text()
        path.unlink()
        if read != "ping":
            raise OSError("what was read is not what was written")


class MyApp(fal.App, max_multiplexing=4):
    requirements = ["langid"]

    def setup(self):
        default = Path(tempfile.gettempdir()) / "fal-quickstart"
        directory = Path(os.environ.get("DATA_DIR", default))
        print(f"the journal is in {directory}")
        self.model = LanguageIdentifier.from_modelstring(model, norm_probs=True)
        self.journal = Journal(directory)

    @fal.endpoint("/")
    def predict(self, input: Input, response: Response) -> Output:
        """Says which language a text is in."""
        language, confidence = self.model.classify(input.text)
        try:
            self.journal.append(language)
        except OSError as error:
            print(f"asking for a health check, because the journal cannot be written: {error}")
            response.headers["x-fal-runner-health-check"] = "true"
        return Output(language=language, confidence=confidence)

    @fal.endpoint(
        "/health",
        health_check=fal.HealthCheck(
            start_period_seconds=10,
            timeout_seconds=5,
            failure_threshold=3,
            call_regularly=True,
        ),
    )
    def health(self) -> HealthResponse:
        try:
            self.journal.ping()
        except OSError as error:
            raise RuntimeError("lost the journal") from error
        return HealthResponse(status="ok")
