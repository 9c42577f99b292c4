"""The parsed DAGs, as the DAG tests see them."""

from tests.dags.conftest import dag_bag, dags

__all__ = ["dag_bag", "dags"]
