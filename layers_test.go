package barillet_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed lists each package of the module, and the packages of the module that it may import. Tests may import all.
var allowed = map[string]string{
	"internal/errcode": "", "internal/input": "", "internal/secret": "internal/input", "internal/notice": "", "internal/outbound": "", "internal/usercsv": "internal/input",
	"internal/audit": "internal/input internal/throttle store", "internal/audit/tree": "internal/audit store", "internal/outbox": "internal/audit store", "internal/throttle": "store",
	"internal/diskspace": "store",
	"internal/backup":    "internal/audit/tree store store/bolt",
	"internal/mail":      "internal/audit internal/outbox store",
	"internal/webhook":   "internal/audit internal/outbound internal/outbox store",

	"store/rootkeys": "", "store/timerule": "", "store": "store/rootkeys store/timerule", "store/bolt": "store",
	"factors": "", "factors/oath": "factors internal/input", "factors/recovery": "factors internal/input", "factors/webauthn": "factors",
	"factors/hotp": "factors factors/oath", "factors/totp": "factors factors/oath",

	"authn/password": "internal/errcode store", "authn/password/breach": "store",
	"authn/account/index": "internal/input store",
	"authn/account/setup": "internal/secret store", "authn/account/origin": "",
	"authn/account": "authn/account/index authn/account/origin authn/account/setup authn/password factors internal/audit internal/errcode internal/input internal/mail internal/notice " +
		"internal/secret internal/throttle store",
	"authn/session": "authn/account internal/audit internal/errcode internal/notice internal/secret internal/throttle store",
	"authn": "authn/account authn/account/origin authn/password authn/session factors internal/audit internal/errcode internal/notice " +
		"internal/secret internal/throttle store",
	"authn/counts":     "authn/account internal/audit store",
	"authn/generation": "authn/account factors internal/audit internal/audit/tree internal/errcode internal/webhook store",
	"authn/roster":     "authn/account authn/account/index internal/secret internal/throttle store",
	"authn/enrol":      "authn authn/account authn/session factors internal/audit internal/errcode internal/notice internal/secret store",
	"authn/admin": "authn authn/account authn/roster authn/session factors internal/audit internal/audit/tree internal/errcode internal/input internal/mail internal/notice " +
		"internal/outbound internal/secret internal/throttle internal/webhook store",
	"authn/helpdesk/text": "authn/admin internal/notice",
	"authn/helpdesk": "authn authn/account authn/admin authn/helpdesk/text factors internal/audit internal/errcode internal/input internal/notice internal/secret " +
		"internal/throttle store",
	"authn/freeze": "authn authn/account authn/admin authn/session factors internal/audit internal/errcode internal/input internal/notice internal/secret",
	"authn/handover": "authn authn/account authn/account/origin authn/admin authn/freeze authn/helpdesk authn/session factors internal/audit internal/errcode internal/input " +
		"internal/notice internal/secret store",
	"authn/approval": "authn authn/account authn/admin authn/directory authn/helpdesk internal/audit internal/errcode internal/notice store",
	"authn/directory": "authn authn/account authn/admin authn/counts authn/enrol authn/freeze authn/helpdesk authn/password authn/roster authn/session factors " +
		"internal/audit internal/errcode internal/input internal/notice internal/secret",

	"authn/storekeys": "authn/account authn/admin authn/password internal/audit internal/errcode store store/rootkeys",

	"oidc/keys":   "authn/account internal/audit store",
	"oidc/client": "authn/account authn/session internal/audit internal/errcode internal/input internal/notice internal/secret internal/throttle oidc/keys store",
	"oidc/token": "authn/account authn/session internal/audit internal/errcode internal/outbox internal/secret oidc/client " +
		"oidc/keys store",
	"oidc": "authn/account authn/session internal/audit internal/errcode internal/input internal/outbox internal/secret internal/throttle " +
		"oidc/client oidc/keys oidc/token store",

	"static": "", "templates": "internal/notice", "templates/console": "templates",
	"web/idempotency":   "authn/account store",
	"web/console/shell": "authn/account authn/admin internal/audit internal/errcode internal/input internal/throttle store templates templates/console web/idempotency web/reply web/site",
	"web/console/events": "authn/account authn/admin authn/directory authn/roster internal/audit internal/errcode internal/input internal/throttle internal/usercsv internal/webhook " +
		"templates templates/console web/api/systemlog web/console/shell web/reply web/site",
	"web/console": "authn/account authn/admin authn/approval authn/directory authn/handover authn/helpdesk authn/roster authn/session factors internal/errcode internal/input internal/mail " +
		"internal/notice internal/throttle internal/usercsv oidc/client store templates templates/console web/console/events web/console/shell web/reply web/site",
	"web/apidocs":       "templates",
	"web/admission":     "internal/throttle",
	"web/reply":         "authn/account internal/errcode internal/secret store",
	"web/api/scim":      "internal/input",
	"web/api/systemlog": "internal/audit internal/input internal/webhook web/api/scim web/reply",
	"web/api": "authn authn/account authn/admin authn/approval authn/counts authn/directory authn/enrol authn/freeze authn/helpdesk authn/roster authn/session authn/storekeys factors internal/audit " +
		"internal/backup internal/errcode internal/input internal/notice internal/secret internal/throttle internal/webhook oidc oidc/client oidc/token store templates web/api/scim " +
		"web/api/systemlog web/apidocs web/idempotency web/reply",
	"web/forwardauth": "authn/account authn/session internal/errcode internal/input internal/secret internal/throttle web/reply",
	"web/site": "authn authn/account authn/freeze authn/session factors internal/errcode internal/secret internal/throttle oidc templates web/forwardauth " +
		"web/reply",
	"web/signin":      "authn authn/account authn/directory authn/freeze authn/handover authn/helpdesk factors internal/errcode internal/notice internal/secret internal/throttle templates web/reply web/site",
	"web/selfservice": "authn authn/account authn/enrol authn/freeze authn/handover authn/session factors internal/errcode internal/input internal/throttle oidc/client templates web/site",
	"web": "authn authn/account authn/directory authn/enrol authn/freeze authn/handover authn/helpdesk authn/session factors internal/errcode internal/mail internal/secret internal/throttle oidc static " +
		"templates web/admission web/apidocs web/console web/forwardauth web/reply web/selfservice web/signin web/site",

	"cmd/barillet/certificate": "authn/account internal/audit internal/notice store",
	"cmd/barillet/cli":         "internal/input",
	"cmd/barillet/config":      "authn/account cmd/barillet/cli internal/backup internal/input internal/outbound store/rootkeys web/forwardauth",
	"cmd/barillet/datadir":     "cmd/barillet/cli cmd/barillet/config internal/diskspace store store/bolt store/rootkeys",
	"cmd/barillet/manage":      "authn/account cmd/barillet/cli internal/errcode internal/input internal/secret internal/usercsv",
	"cmd/barillet/setuplink":   "authn/directory store",
	"cmd/barillet/inprocess":   "",
	"cmd/barillet/backups":     "authn/admin cmd/barillet/cli cmd/barillet/config cmd/barillet/datadir internal/backup internal/diskspace store",
	"cmd/barillet/manual":      "cmd/barillet/cli cmd/barillet/config",
	"cmd/barillet/removal":     "",
	"cmd/barillet/metrics":     "authn/password internal/audit internal/diskspace internal/outbox store store/bolt",
	"cmd/barillet/passwords":   "authn/password/breach cmd/barillet/cli cmd/barillet/config cmd/barillet/datadir store",
	"cmd/barillet/restore": "authn/generation cmd/barillet/cli cmd/barillet/config cmd/barillet/datadir internal/audit internal/audit/tree internal/backup internal/diskspace store " +
		"store/bolt",
	"cmd/barillet/sample": "internal/outbound internal/secret static templates",
	"cmd/barillet/doctor": "cmd/barillet/cli internal/audit internal/audit/tree internal/diskspace internal/mail internal/outbox internal/webhook oidc/keys oidc/token store " +
		"store/bolt store/rootkeys web/reply",
	"cmd/barillet": "authn authn/account authn/admin authn/approval authn/counts authn/directory authn/enrol authn/generation authn/handover authn/helpdesk authn/password authn/roster authn/session authn/storekeys internal/usercsv " +
		"cmd/barillet/certificate cmd/barillet/backups cmd/barillet/cli cmd/barillet/config cmd/barillet/datadir cmd/barillet/inprocess cmd/barillet/doctor cmd/barillet/manage cmd/barillet/manual internal/backup cmd/barillet/metrics cmd/barillet/passwords cmd/barillet/removal cmd/barillet/restore cmd/barillet/sample cmd/barillet/setuplink factors factors/hotp factors/oath factors/recovery factors/totp " +
		"factors/webauthn internal/audit internal/audit/tree internal/diskspace internal/errcode internal/input internal/mail internal/notice internal/outbound internal/outbox " +
		"internal/secret internal/throttle internal/webhook oidc oidc/client oidc/keys oidc/token static store store/bolt " +
		"templates templates/console web web/api web/console web/api/systemlog web/apidocs web/forwardauth web/reply",
}

// forTests lists the packages that only tests may import. Their files count as tests.
var forTests = []string{".", "authn/authntest", "e2e", "e2e/mutants", "factors/factortest", "store/storetest", "templates/console/samples"}

// sharedModules lists the third-party modules that several packages may import, and why.
// All packages may import golang.org/x.
var sharedModules = map[string]struct{ importers, reason string }{
	"github.com/spf13/cobra":     {"cmd/barillet/restore cmd/barillet cmd/barillet/backups cmd/barillet/cli cmd/barillet/config cmd/barillet/manage cmd/barillet/passwords cmd/barillet/manual", "all define commands or their flags"},
	"github.com/BurntSushi/toml": {"cmd/barillet/config templates", "the configuration and the message catalogues are TOML files"},
	"github.com/go-jose/go-jose": {"oidc oidc/client oidc/keys", "the service signs tokens and checks those of clients"},
}

// bans lists imports and names that only the packages in only may use; "web/..." includes the packages below web.
// Without everywhere, a ban does not apply to tests. A name without a path is a method of any type.
var bans = []struct {
	names, only string
	everywhere  bool
}{
	{names: "time.Now time.Since time.Until", only: "cmd/barillet"},
	{names: "net/http", only: "cmd/barillet cmd/barillet/certificate cmd/barillet/inprocess cmd/barillet/doctor cmd/barillet/manage cmd/barillet/metrics cmd/barillet/sample web/... oidc static internal/outbound"},
	{names: "net/http.Client net/http.DefaultClient net/http.Transport net/http.DefaultTransport net/http.Get net/http.Head " +
		"net/http.Post net/http.PostForm net/http.NewRequest net/http.NewRequestWithContext",
		only: "cmd/barillet cmd/barillet/certificate cmd/barillet/doctor cmd/barillet/manage cmd/barillet/sample internal/outbound"}, // certificate calls the CA
	{names: "net/http.Server net/http.ListenAndServe net/http.ListenAndServeTLS net/http.Serve net/http.ServeTLS " +
		"net/http.NewServeMux net/http.DefaultServeMux", only: "cmd/barillet/... web/... oidc"},
	{names: "html/template", only: "templates cmd/barillet/sample"},
	{names: "text/template", only: "templates"}, // for emails in plain text
	// Elsewhere a refusal says why: errcode.ForbiddenFor.
	{names: "barillet/internal/errcode.Forbidden", only: "authn/enrol oidc web/forwardauth web/reply"},
	{names: "barillet/authn/admin.Consent", only: "authn/approval authn/authntest", everywhere: true},
	// Each type that they sort adds 20 KB to the program. sort.Slice is in it once.
	{names: "slices.SortFunc slices.SortStableFunc slices.SortedFunc slices.SortedStableFunc"},
	{names: "math/rand math/rand/v2 net/smtp os/exec log plugin testing unsafe C"},
	{names: "func.init .Skip .Skipf .SkipNow testing.Short", everywhere: true},
}

const maxPackage, maxFile, maxFunc = 3000, 400, 60 // lines, without tests

// large lists what may exceed its limit, and why.
var large = map[string]string{
	"web/api":                  "a list of calls that share paging, bodies and JSON",
	"cmd/barillet/manage":      "a list of commands that share the connection and the output",
	"web/api/routes.go routes": "a list with one line for each call",
}

// source is a parsed Go file. Its package is the directory relative to the module.
type source struct {
	path, pkg string
	test      bool
	syntax    *ast.File
	fset      *token.FileSet
}

// notSource lists the names of directories without source files of the module.
var notSource = []string{"testdata", "node_modules", "bin"}

// ownModules lists directories that are modules of their own: clients that the tests of e2e build, and the program that makes
// a release.
var ownModules = []string{"e2e/clients", "release"}

// readSources parses the Go files of the module in the order of their paths.
func readSources(t *testing.T) (all []source) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.ContainsAny(base[:1], "._") || slices.Contains(notSource, base)):
			return fs.SkipDir
		case slices.Contains(ownModules, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(base) != ".go":
			return nil
		}
		syntax, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		pkg := path.Dir(filepath.ToSlash(name))
		test := strings.HasSuffix(name, "_test.go") || slices.Contains(forTests, pkg)
		all = append(all, source{filepath.ToSlash(name), pkg, test, syntax, fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// imports returns the import paths of the file, each with the name that the file uses.
func (s source) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range s.syntax.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		names[target] = path.Base(target)
		if spec.Name != nil {
			names[target] = spec.Name.Name
		}
	}
	return names
}

// uses calls f for each import ("log"), each selector ("time.Now", ".Skip") and each function ("func.init") of the file.
func (s source) uses(f func(name string, at token.Pos)) {
	paths := map[string]string{}
	for target, name := range s.imports() {
		paths[name] = target
		f(target, s.syntax.Package)
	}
	ast.Inspect(s.syntax, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if node.Recv == nil {
				f("func."+node.Name.Name, node.Pos())
			}
		case *ast.SelectorExpr:
			var left string
			if ident, is := node.X.(*ast.Ident); is {
				left = paths[ident.Name]
			}
			f(left+"."+node.Sel.Name, node.Pos())
		}
		return true
	})
}

func TestImports_FollowTheTable(t *testing.T) {
	for _, s := range readSources(t) {
		row, is := allowed[s.pkg]
		if !is && !slices.Contains(forTests, s.pkg) {
			t.Errorf("%s: package %s is not in the table", s.path, s.pkg)
		}
		for target := range s.imports() {
			own, is := strings.CutPrefix(target, "barillet/")
			if is && !s.test && !slices.Contains(strings.Fields(row), own) {
				t.Errorf("%s: %s imports %s, which the table does not allow", s.path, s.pkg, target)
			}
		}
	}
}

func TestThirdPartyModules_HaveOneImporter(t *testing.T) {
	first := map[string]string{}
	for _, s := range readSources(t) {
		for target := range s.imports() {
			parts := strings.Split(target, "/")
			if s.test || !strings.Contains(parts[0], ".") || strings.HasPrefix(target, "golang.org/x/") {
				continue
			}
			length := 2
			if parts[0] == "github.com" {
				length = 3
			}
			module := strings.Join(parts[:length], "/")
			importers := cmp.Or(sharedModules[module].importers, first[module], s.pkg)
			if first[module] = importers; !within(s.pkg, importers) {
				t.Errorf("%s: %s imports %s, which only %s may import", s.path, s.pkg, module, importers)
			}
		}
	}
}

func TestSources_UseNoBannedName(t *testing.T) {
	for _, s := range readSources(t) {
		s.uses(func(name string, at token.Pos) {
			for _, ban := range bans {
				if slices.Contains(strings.Fields(ban.names), name) && (!s.test || ban.everywhere) && !within(s.pkg, ban.only) {
					t.Errorf("%s: %s uses %s, which is banned there", s.fset.Position(at), s.pkg, name)
				}
			}
		})
	}
}

// within reports whether the package is in the list. An entry with "/..." includes the packages below it.
func within(pkg, list string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(entry string) bool {
		top, tree := strings.CutSuffix(entry, "/...")
		return pkg == top || tree && strings.HasPrefix(pkg, top+"/")
	})
}

func TestSources_StayWithinTheLimits(t *testing.T) {
	lines, exceeds := map[string]int{}, map[string]bool{}
	check := func(what string, lines, limit int) {
		if exceeds[what] = lines > limit; exceeds[what] && large[what] == "" {
			t.Errorf("%s has %d lines, more than %d", what, lines, limit)
		}
	}
	for _, s := range readSources(t) {
		if s.test {
			continue
		}
		length := s.fset.File(s.syntax.FileStart).LineCount()
		lines[s.pkg] += length
		check(s.path, length, maxFile)
		for _, declared := range s.syntax.Decls {
			if f, is := declared.(*ast.FuncDecl); is {
				check(s.path+" "+f.Name.Name, s.fset.Position(f.End()).Line-s.fset.Position(f.Pos()).Line+1, maxFunc)
			}
		}
	}
	for pkg, length := range lines {
		check(pkg, length, maxPackage)
	}
	for what := range large {
		if !exceeds[what] {
			t.Errorf("%s does not exceed its limit: remove the exception", what)
		}
	}
}
