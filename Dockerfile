# The image of surfaces-bot. `docker build -t surfaces-bot .`, with BuildKit, from a clean checkout.
#
# Build arguments: RUST_IMAGE and RUNTIME_IMAGE (the runtime needs glibc and nothing else, not even a shell),
# CARGO_BUILD_JOBS (a number, for machines with little memory), VERSION and REVISION (for the labels).
# Where crates come from a mirror, hand in cargo's own configuration: --secret id=cargo_config,src=FILE.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
ARG CARGO_BUILD_JOBS=default
WORKDIR /build

# All dependencies, built with empty sources of our own: this layer is made anew only when one of these two files changes.
COPY Cargo.toml Cargo.lock ./
RUN --mount=type=secret,id=cargo_config,target=/usr/local/cargo/config.toml \
    mkdir -p src benches tests/integration \
    && touch src/lib.rs \
    && echo 'fn main() {}' | tee src/main.rs benches/reconcile.rs >tests/integration/main.rs \
    && cargo build --release --locked

# The empty program is newer than the sources, so cargo has to be told that these have changed.
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --offline \
    && install -D target/release/surfaces-bot /image/usr/local/bin/surfaces-bot \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d /image/app/config \
    && install -d -o 65532 -g 65532 -m 0700 /image/data \
    && install -d -o 65532 -g 65532 -m 0770 /image/workspace

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="surfaces-bot" \
    org.opencontainers.image.description="The Matrix front-end of AI agents" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"

# Folders come with their owner, and a new named volume mounted over one takes it on.
COPY --from=build /image/ /

# What stays lies in /data and /workspace; relative paths start in /app, where config/matrix-agents.yaml is looked for.
ENV MATRIX_DB_PATH=/data/lambda_matrix.db \
    MATRIX_STORE_PATH=/data/matrix_store \
    SURFACES_WORKSPACE_DIR=/workspace
WORKDIR /app
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["surfaces-bot", "healthcheck"]
ENTRYPOINT ["surfaces-bot"]
