package barillet_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// floors are those of docs/design.md. A room stands on the floor of its own
// name or, where there is none, of the longest name that ends in a slash and
// begins its own.
var floors = map[string]int{
	"cmd/barillet": 10, "cmd/barillet/manage": 9, "cmd/barillet/sample": 9, "cmd/barillet/cli": 0,
	"web":     9,
	"web/api": 8, "web/console": 8, "web/gate": 8,
	"oidc": 7, "oidc/token": 6, "oidc/client": 5, "oidc/keys": 4,
	"web/reply": 4, "web/apidocs": 4, "authn/helpdesk": 4,
	"authn":           3,
	"authn/authntest": 4,
	"internal/mail":   2, "internal/webhook": 2,
	"factors/totp": 2, "factors/hotp": 2, // both stand on factors/oath
	"factors/": 1, "store/": 1, "internal/": 1,
	"factors": 0, "store": 0, "templates": 0, "static": 0,
}

// bare rooms hold tests and a package comment, and stand on no floor.
var bare = []string{".", "e2e"}

// shared lists the modules that more than one package may import, and why.
// The key is the module, then the package beyond the first.
var shared = map[string]map[string]string{
	"github.com/spf13/cobra": {"cmd/barillet/cli": "what every command shares is made of commands",
		"cmd/barillet/manage": "the operator's subcommands are commands too; the wiring is not theirs"},
	"github.com/go-jose/go-jose/v4": {"oidc/keys": "it signs with our keys; oidc/client verifies with the keys of clients"},
	"github.com/BurntSushi/toml":    {"templates": "the catalogues of messages are TOML, as the configuration that cmd reads is"},
}

// speaksHTTP lists where net/http may be imported outside tests: the rooms
// that serve, the files that come as a handler, and the one way out.
var speaksHTTP = []string{"cmd/barillet", "cmd/barillet/manage", "cmd/barillet/sample", "web", "web/api", "web/console", "web/gate", "web/reply", "oidc", "static", "internal/outbound"}

// callsOut lists who may call out by HTTP, and why.
var callsOut = map[string]string{
	"internal/outbound":   "the one way out: it checks the resolved address",
	"cmd/barillet":        "the transports of the operator's subcommands: its socket, its public URL, the closed folder",
	"cmd/barillet/manage": "the operator's subcommands call the service that they administer",
	"cmd/barillet/sample": "a client library wants a client of net/http: the sample application gives it the one way out",
}

// showsPages lists whose pages there are: those of the service, and that of the sample application of the demonstration.
var showsPages = []string{"templates", "cmd/barillet/sample"}

// floorOf says where a room stands.
func floorOf(room string) (int, bool) {
	if floor, named := floors[room]; named {
		return floor, true
	}
	best, floor := "", 0
	for prefix, at := range floors {
		if strings.HasSuffix(prefix, "/") && strings.HasPrefix(room, prefix) && len(prefix) > len(best) {
			best, floor = prefix, at
		}
	}
	return floor, best != ""
}

// homeless finds packages that stand on no floor.
func homeless(h *house) (breaches []string) {
	for _, f := range h.files {
		if _, stands := floorOf(f.room); stands || slices.Contains(bare, f.room) {
			continue
		}
		breaches = append(breaches, fmt.Sprintf("%s: package %s stands on no floor", f.path, f.room))
	}
	return breaches
}

// upward finds imports that do not go to a lower floor.
func upward(h *house) (breaches []string) {
	for _, f := range h.files {
		from, stands := floorOf(f.room)
		if f.test || !stands {
			continue
		}
		for target := range f.imports() {
			room, own := ours(target)
			if !own {
				continue
			}
			if to, known := floorOf(room); !known || to >= from {
				breaches = append(breaches, fmt.Sprintf("%s: floor %d imports %s, which is not below it", f.path, from, room))
			}
		}
	}
	return breaches
}

// naming finds whoever names a store back-end or a factor kind and is
// neither the wiring nor a test; and any import of a room made for tests.
func naming(h *house) (breaches []string) {
	for _, f := range h.files {
		if f.test {
			continue
		}
		for target := range f.imports() {
			room, own := ours(target)
			plugin := strings.HasPrefix(room, "store/") || strings.HasPrefix(room, "factors/")
			switch {
			case room == "factors/oath" && strings.HasPrefix(f.room, "factors/"): // no kind, but what two kinds share
			case !own:
			case slices.Contains(testRooms, room):
				breaches = append(breaches, fmt.Sprintf("%s: imports %s, which is for tests", f.path, room))
			case plugin && f.room != "cmd/barillet":
				breaches = append(breaches, fmt.Sprintf("%s: names %s; only cmd/barillet and tests may", f.path, room))
			}
		}
	}
	return breaches
}

// crowded finds third-party modules with more than one importing package.
func crowded(h *house) (breaches []string) {
	users := map[string][]string{}
	for _, f := range h.files {
		for target := range f.imports() {
			if _, own := ours(target); own || !strings.Contains(strings.Split(target, "/")[0], ".") {
				continue
			}
			owner := owningModule(h.modules, target)
			switch {
			case owner == "":
				breaches = append(breaches, fmt.Sprintf("%s: imports %s, which no module of go.mod holds", f.path, target))
			case f.test || strings.HasPrefix(owner, "golang.org/x/") || slices.Contains(users[owner], f.room):
			default:
				users[owner] = append(users[owner], f.room)
			}
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(users)) {
		rooms := slices.DeleteFunc(users[owner], func(room string) bool { return shared[owner][room] != "" })
		if slices.Sort(rooms); len(rooms) > 1 {
			breaches = append(breaches, fmt.Sprintf("%s has more than one importing package: %s", owner, strings.Join(rooms, ", ")))
		}
	}
	return breaches
}

func owningModule(modules []string, target string) string {
	best := ""
	for _, candidate := range modules {
		if (target == candidate || strings.HasPrefix(target, candidate+"/")) && len(candidate) > len(best) {
			best = candidate
		}
	}
	return best
}

// strayImports finds standard packages in rooms that have no business with
// them.
func strayImports(h *house) (breaches []string) {
	allowed := map[string][]string{
		"net/http":      speaksHTTP,
		"net/smtp":      nil,            // internal/mail has a sender that knows more
		"math/rand":     nil,            // a guessable number has no use here
		"math/rand/v2":  {"store/etcd"}, // jitter between tries, no secret
		"text/template": {"templates"},  // mails in plain text; everything else escapes
		"html/template": showsPages,     // pages are structs handed to templates
		"testing":       {},             // belongs to tests
		"unsafe":        nil,            // never
		"plugin":        nil,            // never
		"os/exec":       {},             // the program starts no other
		"log":           nil,            // log/slog, handed in
		"C":             nil,            // the binary is static
	}
	for _, f := range h.files {
		if f.test {
			continue
		}
		for target := range f.imports() {
			if rooms, ruled := allowed[target]; ruled && !slices.Contains(rooms, f.room) {
				breaches = append(breaches, fmt.Sprintf("%s: %s may not import %s", f.path, f.room, target))
			}
		}
	}
	return breaches
}
