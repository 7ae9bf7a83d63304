"""Reads custom resources from standard input into the types that their operators publish. Prints their kinds."""

import sys

import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, ServiceMonitor

TYPES = {"PodMonitor": PodMonitor, "ServiceMonitor": ServiceMonitor, "ScaledObject": ScaledObject}

for manifest in yaml.safe_load_all(sys.stdin):
    typed = TYPES[manifest["kind"]].model_validate(manifest)
    # The types ignore unknown fields. So they must give back all that they have read.
    back = typed.model_dump(by_alias=True, exclude_none=True, mode="json")
    if back != manifest:
        sys.exit(f"read {manifest}, written {back}")
    print(manifest["kind"])
