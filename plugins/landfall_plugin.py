"""The one Airflow plugin of Landfall. No input or output at import: every Airflow process loads this file."""

from airflow.plugins_manager import AirflowPlugin


class LandfallPlugin(AirflowPlugin):
    """Registers Landfall with Airflow; views and apps are added here when a workflow brings them."""

    name = "landfall"
