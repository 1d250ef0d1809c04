# Steelyard without local models. Build: docker build -t steelyard . (docs/deploy.md says how it is run)
FROM python:3.12-slim-bookworm AS build

ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/steelyard
RUN pip install --no-cache-dir 'uv>=0.9,<1'
WORKDIR /src

# The dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-install-project

COPY README.md LICENSE hatch_build.py ./
COPY src ./src
COPY examples ./examples
RUN uv sync --locked --no-default-groups --no-editable


FROM python:3.12-slim-bookworm

# With a name, which PostgreSQL's initdb asks for where the embedded database is used.
RUN groupadd --gid 10001 steelyard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /home/steelyard --shell /usr/sbin/nologin steelyard \
    && install -d -o steelyard -g steelyard -m 0700 /home/steelyard
COPY --from=build /opt/steelyard /opt/steelyard

ENV PATH=/opt/steelyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STEELYARD_HOME=/home/steelyard \
    STEELYARD_LOG=json
USER 10001:10001
WORKDIR /home/steelyard
VOLUME /home/steelyard
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=2)"]
ENTRYPOINT ["steelyard"]
CMD ["serve"]
