# Reads what `go test -bench` prints and shows the ratios: those that a benchmark reports itself, with units that
# begin with x-, and those of two sub-benchmarks of one run. docs/performance.md says what each one means.

BEGIN {
	target["SignIn x-argon2id"] = ">= 0.88"
	target["SecondStep/8 x-raw"] = target["SecondStep/64 x-raw"] = ">= 0.5"
	target["SessionCheck/check x-cpu-hello"] = "<= 2.2"
	target["Assertion x-library"] = ">= 0.6"
	target["AuthorizeAndToken x-signing"] = ">= 0.5"
}

/^Benchmark/ {
	name = substr($1, 10)
	sub(/-[0-9]+$/, "", name)
	for (i = 3; i < NF; i += 2) {
		value[name, $(i + 1)] = $i
		if ($(i + 1) ~ /^x-/) show(name, $(i + 1), $i)
	}
}

function show(name, unit, ratio,    base, aim) {
	base = name
	sub(/\/.*/, "", base)
	aim = target[name " " unit]
	if (aim == "") aim = target[base " " unit]
	line[++lines] = sprintf("%-28s %-14s %6.2f  %s", name, unit, ratio, aim)
}

function pair(name, over, unit,    what) {
	if (!((name, unit) in value) || value[over, unit] == 0) return
	what = over
	sub(/^[^\/]*\//, "x-", what)
	show(name, what, value[name, unit] / value[over, unit])
}

END {
	for (n = 1; n <= 64; n *= 8) pair("Update/group/" n, "Update/bbolt/" n, "updates/s")
	for (n = 1; n <= 64; n *= 8) for (slots = 1; slots <= 4; slots++) if (n >= slots) pair("Password/pool/" n, "Password/bare/" slots, "hashes/s")
	printf "\n%-28s %-14s %6s  %s\n", "benchmark", "beside", "ratio", "target"
	for (i = 1; i <= lines; i++) print line[i]
}
