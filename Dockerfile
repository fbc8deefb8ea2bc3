# One image for the web server and the workers; docker-compose.yml says which is which.
# CPU by default. With CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu132
FROM python:3.11-slim-bookworm AS packages

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock constraints.lock /tmp/
RUN python -m venv /opt/sightline \
    && /opt/sightline/bin/pip install --no-cache-dir --disable-pip-version-check \
        --extra-index-url "$TORCH_INDEX" -r /tmp/requirements.lock

FROM python:3.11-slim-bookworm

RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data sightline \
    && install -d -m 700 -o sightline -g sightline /data
COPY --from=packages /opt/sightline /opt/sightline
WORKDIR /srv/sightline
COPY pyproject.toml LICENSE ./
COPY migrations migrations
COPY templates templates
COPY static static
COPY ml ml
COPY worker worker
COPY app app

ENV PATH=/opt/sightline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    TORCH_HOME=/data/torch \
    SIGHTLINE_HOME=/data \
    SIGHTLINE_HOST=0.0.0.0 \
    SIGHTLINE_PORT=8000
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['SIGHTLINE_PORT'] + '/healthz', timeout=2)"]
CMD ["python", "-m", "app"]
