# syntax=docker/dockerfile:1
FROM swift:6.3-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libsqlite3-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY bench/kernels bench/kernels
RUN swift build -c release --product balanceops --static-swift-stdlib && strip .build/release/balanceops

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsqlite3-0 zlib1g ca-certificates curl git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 balanceops \
    && mkdir -p /app/data /app/artifacts && chown -R balanceops /app
COPY --from=build /build/.build/release/balanceops /usr/local/bin/balanceops
COPY examples /app/examples
WORKDIR /app
USER balanceops
ENV BALANCEOPS_HOST=0.0.0.0
EXPOSE 8000 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD curl -fsS http://127.0.0.1:8000/health || exit 1
ENTRYPOINT ["balanceops"]
CMD ["serve"]
