"""A fleet as a Spark job: the same function, over a frame of stores. `make spark` runs it on local Spark.

python benchmarks/spark_fleet.py STORES STATES_URL
"""

import sys

import pandas as pd
from pyspark.sql import SparkSession

from storehealth.fleet.remote import RemoteTask, audit_remote
from storehealth.fleet.run import TaskOptions, plan_tasks
from storehealth.fleet.stores import read_stores


def main(stores: str, states: str) -> None:
    from pathlib import Path

    tasks = plan_tasks(read_stores(stores), Path(), TaskOptions())
    remote = {task.name: RemoteTask(task, task.store.exports, states, settings=task.store.settings) for task in tasks}

    def audit(frames):
        for frame in frames:
            results = [audit_remote(remote[name]).model_dump_json() for name in frame["name"]]
            yield pd.DataFrame({"name": frame["name"], "result": results})

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    frame = spark.createDataFrame([(name,) for name in remote], "name string").repartition(len(remote))
    for row in frame.mapInPandas(audit, "name string, result string").toLocalIterator():
        print(row.result)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
