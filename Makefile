# The ways to run, test and check Quintile. `make help` lists them.

CARGO ?= cargo
TIMED := ./scripts/timed
# Snapshots are reviewed, never written by a test run.
export INSTA_UPDATE ?= no

.PHONY: help demo test lint bench bench-load bench-ltv check-deploy faults

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

demo: ## Build, start a private PostgreSQL, load real orders, publish, serve the dashboard (ONCE=1 ends then, ALL=1 loads all data sets)
	@command -v $(CARGO) >/dev/null || { echo "cargo is not installed: see https://rustup.rs" >&2; exit 1; }
	@[ -n "$${DATABASE_URL:-}$${DATABASE_URL_FILE:-}" ] || ./scripts/ensure-postgres
	@$(TIMED) "build the program" $(CARGO) build --release --locked
	@$(TIMED) "demo" target/release/quintile demo $(if $(ONCE),--once) $(if $(ALL),--all)

test: lint ## Run every check and every test, on a PostgreSQL of the tests' own
	@./scripts/ensure-postgres
	@$(TIMED) "tests" $(CARGO) test --locked
	@$(TIMED) "manifests and image" ./scripts/check-deploy
	@$(TIMED) "pages in a browser" ./scripts/check-pages

lint: ## Format, lints and documentation, warnings as errors
	@$(TIMED) "format" $(CARGO) fmt --check
	@$(TIMED) "lints" $(CARGO) clippy --locked --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(TIMED) "documentation" $(CARGO) doc --locked --no-deps --document-private-items

bench: ## Race dbt-core on generated view models: DBT=venv/bin/dbt DATABASE_URL=postgresql://... [MODELS=500]
	@[ -x "$(DBT)" ] && [ -n "$${DATABASE_URL:-}" ] || { echo "set DBT to dbt's program and DATABASE_URL to a server that may be filled" >&2; exit 1; }
	@$(TIMED) "build the program" $(CARGO) build --release --locked
	@$(TIMED) "race" benches/race_dbt.py --models $(or $(MODELS),500) --database-url "$$DATABASE_URL" --dbt "$(DBT)" --quintile target/release/quintile

bench-load: ## Load a generated file with psql's \copy and with quintile: DATABASE_URL=postgresql://... of a server on this machine [ROWS=1000000]
	@[ -n "$${DATABASE_URL:-}" ] || { echo "set DATABASE_URL to a server on this machine that may be filled" >&2; exit 1; }
	@$(TIMED) "build the program" $(CARGO) build --release --locked
	@$(TIMED) "race" benches/load.py --rows $(or $(ROWS),1000000) --database-url "$$DATABASE_URL" --quintile target/release/quintile

bench-ltv: ## Print what lifetime values are worth on CDNOW and Online Retail, beside the bars of the reference
	@$(TIMED) "figures" $(CARGO) bench --locked --bench ltv_bars

check-deploy: ## Render the manifests and lint the Dockerfile, with tools put into target/tools
	@./scripts/check-deploy --install

faults: ## Kill, cut, fill and pause everything under readers and print the figures (ONLY="kill points", ROUNDS=1000, SEED=7, KEEP=1)
	@$(if $(ONLY),,$(TIMED) "schedules of every time zone" $(CARGO) test --locked --profile faults --lib -- --ignored every_zone --nocapture)
	@$(TIMED) "faults" $(CARGO) test --locked --profile faults --test faults -- $(ONLY) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep)
