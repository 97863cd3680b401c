package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// clientsPath is where applications are; it stands beside the base of the REST API.
const clientsPath = "/oauth2/v1/clients"

// oauth is the service without the base of the REST API.
func (c *Client) oauth() *Client {
	out := *c
	out.base = strings.TrimSuffix(c.base, "/api/v1")
	return &out
}

func clientPath(id string) string { return clientsPath + "/" + url.PathEscape(id) }

// clientFlags is what a client is told to be, as RFC 7591 names it: the flags put members in, --file any others.
type clientFlags struct {
	name, file, backchannel, method, scope, alg string
	redirects, logoutTo, grants, groups         []string
	native, consent, phishingResistant          bool
}

// maxMetadata is more than the service takes.
const maxMetadata = 1 << 20

func (a *clientFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&a.redirects, "redirect", nil, "where answers go; may be given again")
	f.StringSliceVar(&a.logoutTo, "logout-redirect", nil, "where a sign-out may return to; may be given again")
	f.StringVar(&a.backchannel, "backchannel", "", "where sign-outs are told")
	f.StringVar(&a.method, "method", "", "how it proves itself: client_secret_basic, client_secret_post, private_key_jwt, none")
	completeWords(c, "method", []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"})
	f.StringVar(&a.scope, "scope", "", "what it may ask for, by blanks")
	f.StringSliceVar(&a.grants, "grant", nil, "authorization_code, refresh_token, ...; may be given again")
	f.StringVar(&a.alg, "alg", "", "how ID tokens are signed: RS256, ES256, EdDSA")
	completeWords(c, "alg", []string{"RS256", "ES256", "EdDSA"})
	f.BoolVar(&a.native, "native", false, "it runs on the person's own machine")
	f.BoolVar(&a.consent, "consent", true, "ask each person what it may know")
	f.BoolVar(&a.phishingResistant, "phishing-resistant", false, "only a security key counts")
	f.StringSliceVar(&a.groups, "group", nil, "who may use it, by id or name; may be given again; left out, everybody")
	f.StringVar(&a.file, "file", "", "further members, as a JSON object")
}

// addTo puts what was said into metadata: the file first, then the flags that were given.
func (a *clientFlags) addTo(ctx context.Context, s *Client, c *cobra.Command, metadata map[string]any) error {
	if a.file != "" {
		raw, err := os.ReadFile(a.file)
		if err != nil {
			return fmt.Errorf("reading --file: %w", err)
		}
		if len(raw) > maxMetadata {
			return fmt.Errorf("reading --file: more than %d bytes", maxMetadata)
		}
		var more map[string]any
		if err := json.Unmarshal(raw, &more); err != nil {
			return fmt.Errorf("reading --file: %w", err)
		}
		maps.Copy(metadata, more)
	}
	kind := "web"
	if a.native {
		kind = "native"
	}
	groups := []string{}
	for _, g := range a.groups {
		id, err := s.groupID(ctx, g)
		if err != nil {
			return err
		}
		groups = append(groups, id)
	}
	for flag, put := range map[string]struct {
		member string
		value  any
	}{
		"redirect": {"redirect_uris", a.redirects}, "logout-redirect": {"post_logout_redirect_uris", a.logoutTo},
		"backchannel": {"backchannel_logout_uri", a.backchannel}, "method": {"token_endpoint_auth_method", a.method},
		"scope": {"scope", a.scope}, "grant": {"grant_types", a.grants}, "alg": {"id_token_signed_response_alg", a.alg},
		"native": {"application_type", kind}, "consent": {"barillet_consent", a.consent},
		"phishing-resistant": {"barillet_phishing_resistant", a.phishingResistant}, "group": {"barillet_groups", groups}, "name": {"client_name", a.name},
	} {
		if c.Flags().Changed(flag) {
			metadata[put.member] = put.value
		}
	}
	return nil
}

// clientInfo is what commands tell of an application.
type clientInfo struct {
	ID        string    `json:"client_id"`
	Secret    string    `json:"client_secret"`
	Name      string    `json:"client_name"`
	Method    string    `json:"token_endpoint_auth_method"`
	Redirects []string  `json:"redirect_uris"`
	Groups    *[]string `json:"barillet_groups"`
}

// printCredentials prints the one answer that holds a secret.
func (m *CLI) printCredentials(raw json.RawMessage) error {
	if m.JSON {
		return m.Result(raw)
	}
	var made clientInfo
	if err := json.Unmarshal(raw, &made); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	rows := [][]string{{"client_id", made.ID}}
	if made.Secret != "" {
		rows = append(rows, []string{"client_secret", made.Secret})
	}
	return m.Table(rows)
}

func (m *CLI) clientAdd() *cobra.Command {
	var a clientFlags
	c := &cobra.Command{Use: "add NAME --redirect URI", Short: "register an application and print its id and secret", Args: cli.ExactArgs("NAME"),
		Long: "Registers an application that signs people in by OpenID Connect, and prints its id and secret. The secret is shown this once."}
	a.flags(c)
	return m.withNewStore(c, func(ctx context.Context, s *Client, args []string) error {
		metadata := map[string]any{}
		if err := a.addTo(ctx, s, c, metadata); err != nil {
			return err
		}
		metadata["client_name"] = args[0]
		var made json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPost, clientsPath, metadata, &made); err != nil {
			return fmt.Errorf("registering the application: %w", err)
		}
		m.Note("the secret is shown this once")
		return m.printCredentials(made)
	})
}

func (m *CLI) clientList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list applications: id, name, method, who may use it, where answers go", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s.oauth(), clientsPath, nil, 0)
		if err != nil {
			return fmt.Errorf("listing applications: %w", err)
		}
		return printList(m, all, func(x clientInfo) []string {
			who := "everybody"
			if x.Groups != nil {
				who = strings.Join(append(slices.Clone(*x.Groups), "nobody")[:max(1, len(*x.Groups))], ",")
			}
			return []string{x.ID, x.Name, x.Method, who, strings.Join(x.Redirects, " ")}
		})
	})
}

func (m *CLI) clientShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "show what is known of an application, as JSON", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("reading the application: %w", err)
		}
		return m.Result(raw)
	})
}

func (m *CLI) clientUpdate() *cobra.Command {
	var a clientFlags
	c := &cobra.Command{Use: "change ID", Short: "change what is known of an application", Args: cli.ExactArgs("ID"),
		Long: "Changes what the flags name and leaves the rest. A member of --file that is null has the value of the standard again."}
	c.Flags().StringVar(&a.name, "name", "", "what people call it")
	a.flags(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		metadata := map[string]any{}
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &metadata); err != nil {
			return fmt.Errorf("reading the application: %w", err)
		}
		if err := a.addTo(ctx, s, c, metadata); err != nil {
			return err
		}
		var now json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPut, clientPath(args[0]), metadata, &now); err != nil {
			return fmt.Errorf("changing the application: %w", err)
		}
		m.Note("the application is changed")
		return m.printCredentials(now)
	})
}

func (m *CLI) clientRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "remove an application; its tokens are dead at once", Args: cli.ExactArgs("ID")}
	sure := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var x clientInfo
		if err := s.oauth().call(ctx, http.MethodGet, clientPath(args[0]), nil, &x); err != nil {
			return fmt.Errorf("reading the application: %w", err)
		}
		if err := sure("remove %s for ever", cli.Plain(x.Name)); err != nil {
			return err
		}
		if err := s.oauth().call(ctx, http.MethodDelete, clientPath(args[0]), nil, nil); err != nil {
			return fmt.Errorf("removing the application: %w", err)
		}
		m.Note("%s is removed, and its tokens are dead", cli.Plain(x.Name))
		return nil
	})
}

func (m *CLI) clientRotate() *cobra.Command {
	c := &cobra.Command{Use: "rotate-secret ID", Short: "give an application another secret and print it", Args: cli.ExactArgs("ID"),
		Long: "Gives an application another secret and prints it, this once. The one before is dead at once."}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var made json.RawMessage
		if err := s.oauth().call(ctx, http.MethodPost, clientPath(args[0])+"/secret", nil, &made); err != nil {
			return fmt.Errorf("rotating the secret: %w", err)
		}
		m.Note("the secret before is dead; this one is shown this once")
		return m.printCredentials(made)
	})
}
