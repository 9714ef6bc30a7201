# A Debian image with Node >= 20.19 and npm. Not Alpine: ONNX Runtime has no build for musl.
ARG BASE=node:24-bookworm-slim

# All packages, downloaded once for the two stages that follow. ONNX Runtime's package has the libraries of five
# platforms, 290 MB unpacked; only those of this platform are kept. Node reports the architecture, because TARGETARCH is
# empty without BuildKit. All in one RUN, so that no layer holds the other libraries.
FROM ${BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit \
  && cd node_modules/onnxruntime-node/bin \
  && platform=$(node -p 'process.platform + "/" + process.arch') \
  && if ! ls napi-v*/"$platform"/libonnxruntime.so.1; then echo "ONNX Runtime has no library for $platform" >&2; exit 1; fi \
  && find . -type f ! -path "./napi-v*/$platform/*" -delete \
  && find . -type d -empty -delete \
  && rm -rf /root/.npm

# The packages for production. File times are set to a constant here and below, so that two builds of the same sources
# give layers of the same digest. Each part has a folder that is copied to /: a copy into /app would change its time.
FROM packages AS production
ARG SOURCE_DATE_EPOCH=0
# Node never reads types, source maps and builds for bundlers: 26 MB.
RUN npm prune --omit=dev --no-audit \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && rm -rf node_modules/@opentelemetry/*/build/esm node_modules/@opentelemetry/*/build/esnext \
  && find node_modules -type d -empty -delete \
  && chmod -R u=rwX,go=rX node_modules \
  && mkdir -p /layers/packages/app \
  && mv node_modules /layers/packages/app/ \
  && find /layers -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

# Modes are set here: they differ in a checkout made under umask 077 or on Windows.
FROM packages AS build
ARG SOURCE_DATE_EPOCH=0
COPY tsconfig.json tsconfig.build.json rolldown.config.ts ./
COPY scripts/build.sh scripts/run scripts/
COPY scripts/cli scripts/cli
COPY scripts/generate/model-json-check scripts/generate/model-json-check
COPY scripts/models scripts/models
COPY scripts/operate scripts/operate
COPY models models
COPY server server
COPY worker worker
COPY proxy proxy
RUN npm run build
COPY LICENSE nginx.conf servemodel.sh ./
RUN mkdir -p /layers/models/app /layers/code/app \
  && cp -R models /layers/models/app/ \
  && cp -R LICENSE nginx.conf servemodel.sh package.json dist /layers/code/app/ \
  && cp --parents scripts/run /layers/code/app/ \
  && chmod -R u=rwX,go=rX /layers \
  && chmod 755 /layers/code/app/servemodel.sh /layers/code/app/scripts/run \
  && find /layers -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM ${BASE}
RUN apt-get update \
  && apt-get install --yes --no-install-recommends nginx-light \
  && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# In the order of how often they change, the rarest first.
COPY --from=production /layers/packages /
COPY --from=build /layers/models /
COPY --from=build /layers/code /
WORKDIR /app

# ONNX Runtime reads the telemetry switch when it is loaded: see docs/deploy.md. The cache is for models from S3.
ENV NODE_ENV=production \
  ORT_DISABLE_TELEMETRY=1 \
  MODEL_CACHE=/tmp/models
# The image's user `node`, as a number: Kubernetes' runAsNonRoot can't check a name. It can write to /tmp only.
USER 1000:1000
EXPOSE 5000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "/app/dist/server/healthcheck.js"]
# Without an argument it listens on port 5000. SageMaker starts it with the argument `serve`: on port 8080.
ENTRYPOINT ["/app/servemodel.sh"]

# As in package.json.
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="servemodel" \
  org.opencontainers.image.description="A production server for tabular machine-learning models: nginx, Hono, natural batching, ONNX Runtime threads" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}"
