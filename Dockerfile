# One static binary and the project it runs: no shell, no package manager, no writable place needed.

FROM rust:1.95-alpine AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY migrations migrations
COPY config config
COPY dashboard dashboard
COPY macros macros
COPY models models
COPY seeds seeds
# Alpine's target is musl, which links statically; --locked builds what was tested.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin quintile && cp target/release/quintile /quintile

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /quintile /quintile
COPY config /project/config
COPY models /project/models
COPY macros /project/macros
COPY seeds /project/seeds
COPY migrations /project/migrations
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /project
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/quintile"]
CMD ["serve"]
