# syntax=docker/dockerfile:1
# docker build .                                 compiles, packs, and puts the tar.gz into a bare Debian
# docker build --build-arg PACKAGE=prebuilt .    takes the tar.gz that scripts/package.sh left in dist/
ARG PACKAGE=compiled

FROM swift:6.3-bookworm AS compiled
RUN apt-get update && apt-get install -y --no-install-recommends binutils libsqlite3-dev python3 zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The build folder of one image is where that of the next begins.
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/build/.build SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH scripts/package.sh --output /dist --fast

FROM scratch AS prebuilt
COPY dist/*.tar.gz /dist/

FROM $PACKAGE AS package

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# scripts/image.sh does the same without an engine.
RUN --mount=type=bind,from=package,source=/dist,target=/dist \
    mkdir -p /opt/balanceops /app/data /app/artifacts \
    && tar -xzf /dist/balanceops-*-linux-*.tar.gz -C /opt/balanceops --strip-components=1 --no-same-owner \
    && ln -s /opt/balanceops/balanceops /usr/local/bin/balanceops \
    && useradd --uid 1000 --home-dir /app balanceops && chown balanceops /app/data /app/artifacts
COPY examples /app/examples
WORKDIR /app
USER balanceops
ENV BALANCEOPS_HOST=0.0.0.0
EXPOSE 8000 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["balanceops", "smoke-http", "--skip-predict", "--json", "--base-url", "http://127.0.0.1:8000"]
ENTRYPOINT ["balanceops"]
CMD ["serve"]
