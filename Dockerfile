# Landfall's image for docker-compose.yaml and for the official Helm chart: Airflow's own image plus the pinned
# packages and the code. Runs as Airflow's user (50000), never as root.
FROM apache/airflow:3.3.2-python3.11

# requirements.txt is compiled without the base image's extras (Celery, Redis, PostgreSQL): those stay as they are.
COPY --chown=airflow:0 requirements.txt /opt/landfall/requirements.txt
RUN uv pip install --no-cache --require-hashes --requirement /opt/landfall/requirements.txt

# A named volume takes over the owner of the folder it is mounted on.
RUN mkdir -p /opt/airflow/state/fsx
# The shares of both SQL Servers: their user (10001) and Airflow's meet in group 0, and new files take the folder's group.
USER root
RUN mkdir -p /shipping/primary/backups /shipping/primary/copies /shipping/secondary/backups /shipping/secondary/copies \
    && chown -R airflow:0 /shipping && chmod -R 2770 /shipping
# Where the workers see both sides of an FSx migration.
RUN mkdir -p /migration/source /migration/target && chown -R airflow:0 /migration && chmod -R 2770 /migration
USER airflow

COPY --chown=airflow:0 dags /opt/landfall/dags
COPY --chown=airflow:0 plugins /opt/landfall/plugins
COPY --chown=airflow:0 include /opt/landfall/include

ENV PYTHONPATH=/opt/landfall:/opt/landfall/plugins \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/landfall/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/landfall/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    GX_ANALYTICS_ENABLED=false

USER airflow
