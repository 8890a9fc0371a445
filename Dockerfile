# One image for every role; the command of each service of docker-compose.yml says which. Built in two stages: what
# installs stays behind. A local base can be given: docker build --build-arg BASE=my-python:3.13 .
ARG BASE=python:3.13.5-slim-bookworm

FROM ${BASE} AS build
WORKDIR /app
COPY . .
# The same install step as everywhere: locked, each file checked by its hash. A mirror is given to pip as a secret:
# docker build --secret id=pip,src=pip.conf .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -c "import run; run.set_up('app')" \
    && python3 -m compileall -q cli web tasks config services models catalog workflow scoring

FROM ${BASE}
ENV PYTHONUNBUFFERED=1 \
    PATH=/app/.venv/bin:${PATH}
COPY --from=build /app /app
RUN mkdir /data /keys /mails && chown 10001:10001 /data /keys /mails
USER 10001:10001
VOLUME ["/data", "/keys"]
WORKDIR /data
CMD ["appraise", "up"]
