# The interpreter and the locked packages in one stage, only what runs in the other.
FROM python:3.12-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/watchlist
COPY requirements.lock requirements-build.lock ./
RUN /opt/watchlist/bin/pip install --require-hashes -r requirements.lock -r requirements-build.lock
COPY pyproject.toml ./
COPY watchlist watchlist
COPY api api
COPY scheduler scheduler
RUN /opt/watchlist/bin/pip install --no-index --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin watchlist \
    && install -d -o watchlist -g watchlist -m 0700 /var/lib/watchlist-data
COPY --from=build /opt/watchlist /opt/watchlist
ENV PATH=/opt/watchlist/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHLIST_DATA=/var/lib/watchlist-data \
    WATCHLIST_HOST=0.0.0.0 \
    WATCHLIST_PORT=8000 \
    WATCHLIST_DEMO=0
USER watchlist
VOLUME /var/lib/watchlist-data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["watchlist", "serve", "--no-scheduler"]
