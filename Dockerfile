# A worker's image: pgflight, its migrations, and Prefect's process worker. It is also
# the image of Docker and Kubernetes pools, which give each run a container of its own.
#
#   docker build -t pgflight .
#
# With your own migrations: see "Docker and Kubernetes" in docs/prefect.md.

FROM python:3.13.9-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/pgflight
COPY docker /build/docker
RUN /opt/pgflight/bin/pip install --no-compile --require-hashes \
    --requirement /build/docker/requirements.txt --constraint /build/docker/requirements.txt
COPY pyproject.toml prefect.yaml README.md LICENSE /build/
COPY flows /build/flows
COPY sql /build/sql
RUN python -m venv /build/venv \
    && /build/venv/bin/pip install --require-hashes --requirement /build/docker/build.txt \
    && /build/venv/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/dist /build \
    && /opt/pgflight/bin/pip install --no-deps --no-compile /build/dist/*.whl \
    # Without bytecode each run takes two seconds more to begin.
    && /opt/pgflight/bin/python -m compileall -q -j 0 /opt/pgflight/lib

FROM python:3.13.9-slim-bookworm

# By number: Kubernetes can tell only so that it is not root.
RUN useradd --uid 10001 --create-home pgflight
COPY --from=build /opt/pgflight /opt/pgflight
COPY sql/migrations /srv/sql/migrations
USER 10001
WORKDIR /srv
# A run of a process worker starts in a folder of its own.
ENV PATH=/opt/pgflight/bin:$PATH \
    PGFLIGHT_MIGRATIONS=/srv/sql/migrations \
    PYTHONUNBUFFERED=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1
# Prefect's worker stops at SIGINT and SIGTERM; see "Workers" in docs/prefect.md.
CMD ["prefect", "worker", "start", "--pool", "pgflight", "--type", "process"]
