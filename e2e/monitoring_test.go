package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// monitored is an Env with metrics, and the address of their listener.
type monitored struct {
	*Env
	address string
}

func monitor(t *testing.T) *monitored {
	t.Helper()
	h := Open(t, EnvOptions{Config: proxied + "\nlog_format = \"json\"\nmetrics.listen = \"localhost:0\""})
	line := h.AwaitLog(0, `"msg":"serving metrics","url":"http://`)
	address, _, _ := strings.Cut(line, "/")
	return &monitored{h, address}
}

// scrape returns the text of the metrics.
func (m *monitored) scrape() string {
	m.tb.Helper()
	response, err := http.Get("http://" + m.address + "/metrics")
	if err != nil {
		m.tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		m.tb.Fatalf("scraping: status %d, %v: %s", response.StatusCode, err, text)
	}
	return string(text)
}

// awaitMetric waits until a series has a value that suffices.
func (m *monitored) awaitMetric(series string, suffices func(v float64) bool) {
	m.tb.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text := m.scrape()
		_, after, found := strings.Cut(text, "\n"+series+" ")
		value, _, _ := strings.Cut(after, "\n")
		if v, err := strconv.ParseFloat(value, 64); found && err == nil && suffices(v) {
			return
		}
		if time.Now().After(limit) {
			m.tb.Fatalf("%s: got %q in\n%s", series, value, text)
		}
	}
}

// attacks sends what an unauthenticated client can choose: paths, methods, addresses, names, passwords, tokens and headers. Each
// contains the word.
func (m *monitored) attacks(t *testing.T, word string, n int) {
	t.Helper()
	client := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i := range n {
		name := fmt.Sprintf("%s%d", word, i)
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/" + name, ""}, {"GET", "/ticket/" + name, ""}, {strings.ToUpper(word), "/login", ""}, {"GET", "/api/v1/users/" + name, ""},
			{"POST", "/login", url.Values{"identifier": {name + "@garage.example"}, "password": {name}}.Encode()},
			{"GET", "/oauth2/v1/authorize?client_id=" + name, ""}, {"GET", "/console/users/" + name, ""}, {"DELETE", "/api/" + name, ""},
		} {
			request, err := http.NewRequestWithContext(t.Context(), r.method, m.URL+r.path, strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8:%x::1", i))
			request.Header.Set("User-Agent", name)
			request.Header.Set("Authorization", "SSWS "+name)
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
	}
}

// closedLabels are the values of the labels, and a pattern for those that the program defines in large number.
var closedLabels = map[string]string{
	"factor": `password|totp|hotp|webauthn|recovery|code|other`, "result": `accepted|refused|inactive|unknown_login`, "outcome": `accepted|refused`,
	"operation": `[a-z_]+`, "status": `none|[1-5]xx|active|staged|provisioned|recovery|password_expired|suspended|deprovisioned`, "devices": `[012]`,
	"queue": `mail|webhook`, "lane": `security|routine|noise`, "limit": `[a-z-]+`, "le": `[0-9.e+-]+|\+Inf`, "version": `.*`, "quantile": `[0-9.]+`,
	"route": `other|[A-Z]+ /[a-zA-Z0-9_/.{}$-]*`,
}

// maxSeries is the most that one service gives to Prometheus. A new route adds up to twelve once it is requested.
const maxSeries = 1500

func TestMonitoring_AScrapeHasEveryMetricAndNoPerson(t *testing.T) {
	m := monitor(t)
	member := m.Member(t, "ines.rossignol@garage.example")
	member.signIn(m.Visitor(t))
	m.attacks(t, "zorglub", 20)
	m.awaitMetric(`barillet_sign_ins_total{factor="totp",result="accepted"}`, func(v float64) bool { return v == 1 })
	m.awaitMetric(`barillet_sign_ins_total{factor="password",result="unknown_login"}`, func(v float64) bool { return v == 20 })
	m.awaitMetric(`barillet_operations_total{operation="enrolment",outcome="accepted"}`, func(v float64) bool { return v == 1 })
	m.awaitMetric(`barillet_http_requests_total{route="POST /login",status="3xx"}`, func(v float64) bool { return v >= 1 })
	m.awaitMetric("barillet_commit_duration_seconds_count", func(v float64) bool { return v > 10 })
	m.awaitMetric("barillet_hash_duration_seconds_count", func(v float64) bool { return v > 1 })
	m.awaitMetric("barillet_audit_covered_timestamp_seconds", func(v float64) bool { return v > 0 })
	text := m.scrape()
	for _, personal := range []string{"zorglub", "ZORGLUB", "rossignol", "garage", "2001:db8", "127.0.0.1", support} {
		if strings.Contains(text, personal) {
			t.Errorf("the metrics contain %q", personal)
		}
	}
	series, label := 0, regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series++
		for _, found := range label.FindAllStringSubmatch(line, -1) {
			if values := closedLabels[found[1]]; strings.HasPrefix(line, "barillet_") && (values == "" || !regexp.MustCompile(`^(?:`+values+`)$`).MatchString(found[2])) {
				t.Errorf("the label %s has the value %q", found[1], found[2])
			}
		}
	}
	if series > maxSeries {
		t.Errorf("got %d series, want at most %d", series, maxSeries)
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	m.documented(t, text)
}

// families returns the names of the metrics of a scrape, apart from those of Go and of the process.
func families(text string) (names []string) {
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (barillet_\w+) `).FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return names
}

// conditional are the metrics of a service that makes backups or ends TLS, which this one does not.
var conditional = []string{"barillet_backup_timestamp_seconds", "barillet_certificate_expiry_timestamp_seconds"}

// documented compares a scrape with the table of the manual, the rules and the dashboard.
func (m *monitored) documented(t *testing.T, text string) {
	t.Helper()
	known := families(text)
	var table []string
	for _, found := range regexp.MustCompile("(?m)^\\| `(barillet_\\w+)` \\| .").FindAllStringSubmatch(read(t, "../docs/operations.md"), -1) {
		if !slices.Contains(conditional, found[1]) {
			table = append(table, found[1])
		}
	}
	slices.Sort(table)
	expected := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == "barillet_limit_refusals_total" })
	described := slices.DeleteFunc(slices.Clone(table), func(name string) bool { return name == "barillet_limit_refusals_total" }) // absent until a limit refuses
	if !slices.Equal(expected, described) {
		t.Errorf("docs/operations.md describes\n%v\nand the service has\n%v", described, expected)
	}
	for _, file := range []string{"barillet.rules.yml", "barillet.dashboard.json"} {
		names := regexp.MustCompile(`\b(barillet|go|process)_\w+`).FindAllString(read(t, "../docs/monitoring/"+file), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, name := range names {
			family := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if !slices.Contains(table, family) && !strings.Contains(text, "\n# TYPE "+family+" ") && !strings.Contains(text, "\n# TYPE "+name+" ") {
				t.Errorf("%s names %s, which no scrape has", file, name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each rule has a remedy in the manual, and is tested to fire and to be quiet.
func TestMonitoring_RulesAreValidTestedAndExplained(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "barillet.rules.yml"}, {"test", "rules", "barillet.rules.test.yml"}} {
		command := exec.Command("promtool", args...)
		command.Dir = "../docs/monitoring"
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	var tests struct {
		Tests []struct {
			Quiet []struct{ Alertname string } `yaml:"alert_rule_test"`
			Fires []struct {
				Samples []struct{ Value int } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	for file, into := range map[string]any{"barillet.rules.yml": &rules, "barillet.rules.test.yml": &tests} {
		if err := yaml.Unmarshal([]byte(read(t, "../docs/monitoring/"+file)), into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	var alerts, quiet []string
	for _, r := range rules.Groups[0].Rules {
		alerts = append(alerts, r.Alert)
	}
	for _, q := range tests.Tests[0].Quiet {
		quiet = append(quiet, q.Alertname)
	}
	if len(alerts) == 0 || !slices.Equal(slices.Sorted(slices.Values(alerts)), slices.Sorted(slices.Values(quiet))) {
		t.Errorf("got the alerts %v, and quiet ones %v", alerts, quiet)
	}
	if fires := tests.Tests[1].Fires[0].Samples[0].Value; fires != len(alerts) {
		t.Errorf("%d alerts are tested to fire, want all %d", fires, len(alerts))
	}
	var explained []string
	for line := range strings.Lines(read(t, "../docs/operations.md")) {
		if cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | "); strings.HasPrefix(line, "| `Barillet") {
			explained = append(explained, regexp.MustCompile("Barillet[A-Za-z]+").FindAllString(cell, -1)...)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(alerts)), slices.Sorted(slices.Values(explained))) {
		t.Errorf("got the alerts %v, and the manual explains %v", alerts, explained)
	}
}

// Prometheus itself scrapes the service, and evaluates the rules and each query of the dashboard without an error.
func TestMonitoring_PrometheusScrapesTheService(t *testing.T) {
	m := monitor(t)
	m.Member(t, "ines@garage.example")
	rules, err := filepath.Abs("../docs/monitoring/barillet.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, address := t.TempDir(), freeAddress(t)
	config := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n  - job_name: barillet\n    static_configs: [{targets: [%q]}]\n", rules, m.address)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	prometheus := exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	prometheus.Stdout, prometheus.Stderr = &said, &said
	if err := prometheus.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		prometheus.Process.Kill()
		prometheus.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	ask := func(path string, into any) error {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: status %d, %v: %s", path, response.StatusCode, err, text)
		}
		return json.Unmarshal(text, into)
	}
	query := func(q string) (n int, err error) {
		var answer struct{ Data struct{ Result []any } }
		err = ask("/api/v1/query?query="+url.QueryEscape(q), &answer)
		return len(answer.Data.Result), err
	}
	for limit := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		n, err := query(`count_over_time(barillet_build_info[1m]) > 3 and on() barillet_operations_total{operation="enrolment"} == 1`)
		if n == 1 {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("the service is not scraped: %v", err)
		}
	}
	for _, q := range dashboardQueries(t) {
		if _, err := query(q); err != nil {
			t.Errorf("dashboard: %v", err)
		}
	}
	var state struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	evaluated := func() bool {
		if err := ask("/api/v1/rules", &state); err != nil {
			t.Fatal(err)
		}
		return len(state.Data.Groups) == 1 && state.Data.Groups[0].Rules[0].Health != "unknown"
	}
	for limit := time.Now().Add(patience); !evaluated(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("the rules are not evaluated: %+v", state)
		}
	}
	for _, r := range state.Data.Groups[0].Rules {
		if r.Health != "ok" {
			t.Errorf("%s: got %s, %s", r.Name, r.Health, r.LastError)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// dashboardQueries returns the queries of the dashboard, for the job barillet and a span of five minutes.
func dashboardQueries(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../docs/monitoring/barillet.dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no title or no query", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
		}
	}
	if len(all) < 10 {
		t.Fatalf("got %d queries", len(all))
	}
	return all
}

// Each line of the log is JSON, and each line that a request caused has its id.
func TestLog_EachLineIsJSONAndNamesItsRequest(t *testing.T) {
	m := monitor(t)
	member := m.Member(t, "ines@garage.example")
	member.signIn(m.Visitor(t))
	m.attacks(t, "zorglub", 3)
	response, err := http.Get(m.URL + "/api/v1/users")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var problem struct {
		ID string `json:"errorId"`
	}
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil || problem.ID == "" || problem.ID != response.Header.Get("X-Request-Id") {
		t.Fatalf("got %+v, %v, and the header %q", problem, err, response.Header.Get("X-Request-Id"))
	}
	m.Stop()
	_, log, found := strings.Cut(m.Log(), "listening on http://")
	if !found {
		t.Fatalf("the program did not listen:\n%s", m.Log())
	}
	requests, seen := 0, false
	for i, line := range strings.Split(strings.TrimSpace(log), "\n") {
		if i == 0 || strings.HasPrefix(line, "no administrator yet: ") { // the rest of the note, and the one after it
			continue
		}
		var l struct {
			Time                                              time.Time
			Level, Msg, Request, Method, Path, Route, Address string
			Status                                            *int
			Took, Bytes                                       *int64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Time.IsZero() || l.Level == "" || l.Msg == "" {
			t.Errorf("line %q: %v", line, err)
			continue
		}
		if l.Msg != "request" {
			continue
		}
		requests++
		seen = seen || l.Request == problem.ID && *l.Status == 401 && l.Route == "GET /api/v1/users"
		if len(l.Request) < 16 || l.Method == "" || l.Path == "" || l.Address == "" || l.Status == nil || l.Took == nil || l.Bytes == nil {
			t.Errorf("line %q lacks something", line)
		}
		if l.Route == "" && *l.Status < 400 {
			t.Errorf("line %q has no route", line)
		}
	}
	if requests < 30 || !seen {
		t.Errorf("got %d lines of requests, and that of the problem: %t", requests, seen)
	}
}
