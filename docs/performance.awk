# Reads what `go test -bench` prints and shows the figures that have a target, and the other ratios: those that a benchmark
# reports itself, with units that begin with x-, and those of two sub-benchmarks of one run. The second column says what was
# measured: the built program, or a package in the process of the test. docs/performance.md says what each one means.

BEGIN {
	aim("SignIn", "x-floor", ">=", 0.95)
	aim("SignIn/64", "peak-MiB", "<=", 192)
	aim("SignIn/64", "x-8-clients", ">=", 0.95)
	aim("SecondStep/8", "x-floor", ">=", 0.85)
	aim("SecondStep/32", "x-floor", ">=", 0.5)
	aim("SecondStep/8", "p99-ms", "<=", 8)
	aim("SecondStepAtMillion", "x-small", ">=", 0.9)
	aim("WaitingMail", "x-none", ">=", 0.95)
	aim("Check/forward", "x-cpu-hello", "<=", 3.4)
	aim("ForwardAuth", "allocs/op", "<=", 60)
	aim("Flow", "x-limit", ">=", 0.9)
	aim("Program", "start-ms", "<=", 30)
	aim("Program", "idle-anon-MiB", "<=", 24)
	aim("Program", "B/sign-in", "<=", 2500)
	aim("Program", "binary-MB", "<=", 25)
	aim("ProgramAtMillion", "start-ms", "<=", 30)
	aim("ProgramAtMillion", "idle-anon-MiB", "<=", 32)
	aim("ProgramAtMillion", "B/user", "<=", 2000)
	aim("ProgramAtMillion", "B/event", "<=", 600)
	aim("Million", "ms", "<=", 250)
	aim("ConsoleAtMillion", "best-ms", "<=", 50)
	aim("Million/reset", "x-beyond-small-ms", "<=", 20)
	aim("Million/role", "x-beyond-small-ms", "<=", 20)
	aim("Assertion", "x-library", ">=", 0.6)
	split("SignIn SecondStep SecondStepAtMillion WaitingMail Check Flow Program ProgramAtMillion", names, " ")
	for (i in names) program[names[i]] = 1
}

function aim(name, unit, sign, limit) { signs[name, unit] = sign; limits[name, unit] = limit }

/^Benchmark/ {
	name = substr($1, 10)
	sub(/-[0-9]+$/, "", name)
	for (i = 3; i < NF; i += 2) {
		value[name, $(i + 1)] = $i
		if ($(i + 1) ~ /^x-/ || find(name, $(i + 1)) != "") show(name, $(i + 1), $i)
	}
	if (name ~ /^Million\/(reset$|role\/)/) show(name, "x-beyond-small-ms", value[name, "ms"] - value[name, "small-ms"])
}

# find returns the name with the target of a unit: that of the benchmark, or of the part before a hyphen or a slash.
function find(name, unit) {
	while (!((name, unit) in limits)) if (!sub(/[\/-][^\/-]*$/, "", name)) return ""
	return name
}

function show(name, unit, figure,    base, of, verdict) {
	base = name
	sub(/\/.*/, "", base)
	of = find(name, unit)
	if (of != "") {
		verdict = signs[of, unit] " " limits[of, unit]
		if (signs[of, unit] == "<=" ? figure > limits[of, unit] : figure < limits[of, unit]) { verdict = verdict "  missed"; missed++ }
		else if ((base == "Million" || base == "ConsoleAtMillion") && unit ~ /ms$/) return
	}
	line[++lines] = sprintf("%-34s %-8s %-18s %9.2f  %s", name, program[base] ? "program" : "package", unit, figure, verdict)
}

function pair(name, over, unit, what) {
	if (!((name, unit) in value) || value[over, unit] == 0) return
	if (what == "") {
		what = over
		sub(/^[^\/]*\//, "x-", what)
	}
	show(name, what, value[name, unit] / value[over, unit])
}

END {
	pair("SignIn/64", "SignIn/8", "sign-ins/s", "x-8-clients")
	for (n = 1; n <= 64; n *= 8) pair("Update/group/" n, "Update/bbolt/" n, "updates/s")
	for (n = 1; n <= 64; n *= 8) for (slots = 1; slots <= 4; slots++) if (n >= slots) pair("Password/pool/" n, "Password/bare/" slots, "hashes/s")
	printf "\n%-34s %-8s %-18s %9s  %s\n", "benchmark", "of", "figure", "", "target"
	for (i = 1; i <= lines; i++) print line[i]
	printf "%d figures miss their targets\n", missed
}
