# The gateway and its simulator, each with the libraries it is linked with, the authorities that it trusts, and nothing else: no shell,
# no package manager. Targets: gateway (the last, so the default), simulator, test (curl and a shell, for `helm test`).
#   make image        builds all of them with docker, podman or buildah
# BINARIES=compile builds the programs here; BINARIES=given takes those of build/shipped/bin, made on the same Debian.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS programs
ARG BINARIES=compile
WORKDIR /source
COPY tests/scripts/install-packages tests/scripts/
RUN [ "$BINARIES" = given ] || tests/scripts/install-packages shipped
COPY . .
RUN [ "$BINARIES" = given ] || tests/scripts/ship
RUN mkdir /programs && cp build/shipped/bin/onboarding-gateway build/shipped/bin/podero-simulator /programs/

# What the programs need at run time, with Debian's security updates, gathered into folders of their own.
FROM ${BASE} AS gathered
RUN apt-get update -q && apt-get upgrade -q -y && apt-get install -q -y --no-install-recommends \
      binutils ca-certificates libboost-container1.81.0 libboost-json1.81.0 libboost-program-options1.81.0 libboost-url1.81.0 \
      libfmt9 libhiredis0.14 libnghttp2-14 libprometheus-cpp-core1.0 libspdlog1.10 libssl3 libyaml-cpp0.7
COPY --from=programs /programs/ /programs/
COPY deploy/image/gather /gather
ARG SOURCE_DATE_EPOCH=0
ARG VERSION=0.1.0
RUN /gather onboarding-gateway "$VERSION" /gateway && /gather podero-simulator "$VERSION" /simulator

FROM ${BASE} AS test
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*
USER 65532:65532
LABEL org.opencontainers.image.title="onboarding-gateway-test" org.opencontainers.image.licenses="Apache-2.0"

FROM scratch AS simulator
COPY --from=gathered /simulator/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podero-simulator" \
      org.opencontainers.image.description="A stand-in for the Podero Partner API" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
EXPOSE 9443
ENTRYPOINT ["/usr/bin/podero-simulator"]

FROM scratch AS gateway
COPY --from=gathered /gateway/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="onboarding-gateway" \
      org.opencontainers.image.description="Asynchronous egress gateway for onboarding sessions of the Podero Partner API" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
EXPOSE 8080 9090
# Kubernetes asks /startupz, /readyz and /livez; there is no shell in here to ask with.
HEALTHCHECK NONE
ENTRYPOINT ["/usr/bin/onboarding-gateway"]
CMD ["--config", "/etc/onboarding-gateway/gateway.yaml"]
