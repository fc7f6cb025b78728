# The doors of the house. `make run` and `make test` are all that one needs.

CARGO ?= cargo
# The tests' build is the only one in which failpoints are there.
TEST_FEATURES = --features heim-tests/failpoints
# Tests at a time in each of two binaries, twice as many as two cores are: they wait
# more than they compute.
TEST_THREADS ?= 2
BUILD_PACKAGES = cmake nasm
# dav1d's, for the feature `avif`.
AVIF_PACKAGES = meson ninja-build
# Sanitizers for C, and names of functions in what they report.
FUZZ_PACKAGES = $(BUILD_PACKAGES) $(AVIF_PACKAGES) clang-19 libclang-rt-19-dev llvm-19
CARGO_FUZZ = 0.13.2
SERVER_PACKAGES = redis-server postgresql haproxy
TEST_PACKAGES = $(BUILD_PACKAGES) $(SERVER_PACKAGES) sqlite3 chromium fonts-dejavu-core systemd prometheus curl jq libfaketime strace

.PHONY: run release test avif-test bench bench-rooms bench-queue bench-pixels bench-fleet backlog herd slow-clients chaos model fuzz fleet demo-fleet units image check format lint unit web-test docs test-tools

run: ## Install what is missing, build, and start everything on 127.0.0.1:8080
	@scripts/require $(BUILD_PACKAGES)
	$(CARGO) build --locked -p heim-media
	target/debug/heim-media

release: ## What a fleet runs, with AVIF, in target/release
	@scripts/require $(BUILD_PACKAGES) $(AVIF_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins --features heim-pixels/avif

test: check web-test docs unit avif-test ## All checks and all tests

check: format lint

format:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path worker/pixels/fuzz/Cargo.toml --check

lint:
	@scripts/require $(BUILD_PACKAGES)
	$(CARGO) clippy --locked --workspace --all-targets $(TEST_FEATURES) -- -D warnings

# The binaries come first: the fleet's tests start them.
unit: test-tools
	@test -d ../shared/corpus || { echo "the tests work on real photos and hostile files: put the corpus beside the checkout, at ../shared/corpus" >&2; exit 1; }
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --workspace --bins $(TEST_FEATURES)
	CARGO="$(CARGO)" scripts/suites --threads $(TEST_THREADS) --locked --workspace $(TEST_FEATURES)
	$(CARGO) test --locked --workspace $(TEST_FEATURES) --doc

avif-test: ## The pixels and the worker with AVIF, which takes minutes to compile, and what measures them
	@scripts/require $(BUILD_PACKAGES) $(AVIF_PACKAGES)
	$(CARGO) clippy --locked -p heim-pixels -p heim-worker -p heim-pixels-bench --all-targets --features heim-worker/avif,heim-pixels-bench/measured -- -D warnings
	$(CARGO) test --locked -p heim-pixels -p heim-worker --features heim-worker/avif

web-test:
	@command -v node >/dev/null || scripts/require nodejs npm
	node --test coordinator/web/test/

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps $(TEST_FEATURES)

test-tools: tests/browser/node_modules/.package-lock.json tests/clients/node_modules/.package-lock.json .venv/bin/honcho .venv/clients.txt .venv/openapi.txt

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	@command -v npm >/dev/null || scripts/require nodejs npm
	cd tests/$* && npm ci --ignore-scripts --no-audit --no-fund

.venv/bin/honcho:
	@scripts/require python3-venv
	python3 -m venv .venv
	.venv/bin/pip install --quiet honcho==2.0.0

# The copies say what is installed; the tests compare one with its list.
.venv/clients.txt: tests/clients/requirements.txt | .venv/bin/honcho
.venv/openapi.txt: tests/openapi/requirements.txt | .venv/bin/honcho
.venv/pillow.txt: tests/pixels/peers/requirements.txt | .venv/bin/honcho
.venv/clients.txt .venv/openapi.txt .venv/pillow.txt:
	.venv/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement $<
	cp $< $@

bench: ## Latency from an upload's last byte to its thumbnails, and of a pickup
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked --workspace --bench pickup --bench latency

bench-rooms: ## Delivery to 2,000 sockets, what memory one takes, and what encryption costs
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked --workspace --bench rooms

bench-queue: tests/benches/queue/bullmq/node_modules/.package-lock.json ## Pickup, claims a second and CPU of a job, beside BullMQ on the same Redis
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked -p heim-tests --bench queue

# Takes about an hour; PHOTOS is another folder of pictures, JOBS the keys of some of its tables.
bench-pixels: tests/pixels/peers/node_modules/.package-lock.json .venv/pillow.txt ## Transcodings beside sharp and Pillow: CPU, memory, bytes, quality
	@scripts/require $(BUILD_PACKAGES) $(AVIF_PACKAGES)
	$(CARGO) build --locked --release -p heim-worker --features heim-worker/avif
	PHOTOS=$(PHOTOS) JOBS=$(JOBS) $(CARGO) bench --locked -p heim-pixels-bench --features measured

# On cores that do nothing else. SHORT=1 is for seeing that it works.
bench-fleet: ## CPU of an upload by part, how many a second one coordinator takes, and a run at 80 % of what follows from that
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	SHORT=$(SHORT) $(CARGO) bench --locked -p heim-tests --bench sizing

# All sessions are sockets of the test itself, and of the coordinators beside it.
herd: test-tools ## F70 with 10,000 sessions (or SESSIONS) whose coordinator is killed, and what the other one takes for it
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --workspace --bins $(TEST_FEATURES)
	HEIM_MEDIA_SESSIONS=$(or $(SESSIONS),10000) $(CARGO) test --locked --workspace $(TEST_FEATURES) --test failure_modes -- --nocapture f70_sessions

backlog: ## Dispatch with a million jobs waiting; then 100,000 uploads (or COUNT) without a worker, worked off afterwards
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	COUNT=$(COUNT) $(CARGO) bench --locked -p heim-db -p heim-tests --bench dispatch --bench backlog

chaos: ## Load on a fleet in which something breaks every 5 s: MINUTES=20 of it, by a SEED; then ROUNDS=980 of F1
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	MINUTES=$(MINUTES) SEED=$(SEED) ROUNDS=$(ROUNDS) $(CARGO) bench --locked -p heim-tests --bench chaos

model: ## 100,000 random schedules of the state machine on the real database, and 1,500 of all that can happen in a room
	@scripts/require $(TEST_PACKAGES)
	HEIM_MEDIA_SCHEDULES=100000 $(CARGO) test --locked --release -p heim-db --test state_machine -- --nocapture
	$(CARGO) build --locked --workspace --bins $(TEST_FEATURES)
	HEIM_SCHEDULES=1500 $(CARGO) test --locked --workspace $(TEST_FEATURES) --test belonging -- --nocapture interleavings::every

fuzz: ## Each decoder and the parsers of headers for MINUTES=20 under a fuzzer, or some (FUZZ="jpeg png"); ends at the first failure
	@scripts/require $(FUZZ_PACKAGES)
	$(CARGO) install --debug --locked --version $(CARGO_FUZZ) --root target/tools cargo-fuzz
	scripts/fuzz --minutes $(or $(MINUTES),20) $(FUZZ)

slow-clients: ## What 10,000 silent and slow connections do to an honest upload
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked -p heim-tests --bench slow_clients

fleet: .venv/bin/honcho ## PostgreSQL and Redis of one's own, then one coordinator and three workers by Procfile
	@scripts/require $(TEST_PACKAGES)
	$(CARGO) build --locked --workspace --bins
	scripts/fleet

# As root. The machine is made once, of Debian's packages, in data/machine.
units: ## The systemd units under a systemd of their own: started, restarted, killed, stopped in mid-work, drained, without their store
	@scripts/require $(BUILD_PACKAGES) debootstrap systemd-container
	$(CARGO) build --locked --workspace --bins $(TEST_FEATURES)
	scripts/units

# As root, without a registry: of a Debian made once in data/image.
image: ## The image of deploy/Dockerfile, built by podman of a Debian of our own, and what is in it started, stopped, and examined
	@scripts/require $(BUILD_PACKAGES) $(SERVER_PACKAGES) debootstrap podman binutils curl iproute2
	$(CARGO) build --locked --workspace --bins $(TEST_FEATURES)
	scripts/image

demo-fleet: ## PostgreSQL, Redis, an S3 server, two coordinators behind a balancer, three workers; `scripts/demo-load` gives them something to do
	@scripts/require $(BUILD_PACKAGES) $(SERVER_PACKAGES)
	$(CARGO) build --locked --workspace --bins --example bucket
	scripts/demo-fleet
