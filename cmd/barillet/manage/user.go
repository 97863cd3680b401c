package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// newUser is Okta's model of a person to be made, as far as the command needs it.
type newUser struct {
	Profile struct {
		Login     string `json:"login"`
		Email     string `json:"email"`
		FirstName string `json:"firstName,omitempty"`
		LastName  string `json:"lastName,omitempty"`
	} `json:"profile"`
	GroupIDs []string `json:"groupIds,omitempty"`
	Role     string   `json:"role,omitempty"`
}

// activation is what became of inviting somebody.
type activation struct {
	URL     string    `json:"activationUrl,omitempty"`
	Mailed  bool      `json:"mailed"`
	Expires time.Time `json:"expiresAt,omitzero"`
}

type createdUser struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Profile struct {
		Login string `json:"login"`
		Email string `json:"email"`
	} `json:"profile"`
	Embedded struct {
		Activation activation `json:"activation,omitzero"`
	} `json:"_embedded,omitzero"`
}

// addFlags is what user add was told.
type addFlags struct {
	name, role      string
	groups          []string
	invite, noEmail bool
}

func (m *CLI) userAdd() *cobra.Command {
	var a addFlags
	c := &cobra.Command{
		Use: "add EMAIL", Short: "make a person, and invite them",
		Long: "Makes a person. With --invite an invitation is mailed; with --no-mail its link is printed alone on stdout instead.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&a.name, "name", "", "first and last name")
	known := choiceFlag(c, &a.role, "role", "what the person may do", roles)
	c.Flags().StringSliceVar(&a.groups, "group", nil, "a group that the person belongs to, by id or name; may be given again")
	c.Flags().BoolVar(&a.invite, "invite", false, "invite the person")
	c.Flags().BoolVar(&a.noEmail, "no-mail", false, "print the invitation's link instead of mailing it")
	return m.withNewStore(c, func(ctx context.Context, s *Client, args []string) error { return m.addUser(ctx, s, &a, args[0]) },
		known, func(Connector) error {
			if a.noEmail && !a.invite {
				return cli.Usagef("--no-mail is about the invitation: give --invite too")
			}
			return nil
		})
}

func (m *CLI) addUser(ctx context.Context, s *Client, a *addFlags, email string) error {
	groups, err := s.groupIDs(ctx, a.groups)
	if err != nil {
		return err
	}
	ask := newUser{GroupIDs: groups, Role: a.role}
	ask.Profile.Login, ask.Profile.Email = email, email
	ask.Profile.FirstName, ask.Profile.LastName, _ = strings.Cut(strings.TrimSpace(a.name), " ")
	ask.Profile.LastName = strings.TrimSpace(ask.Profile.LastName)
	if a.invite {
		m.warnDefaultURL(s)
	}
	var made createdUser
	path := fmt.Sprintf("/users?activate=%t&sendEmail=%t", a.invite, !a.noEmail)
	if err := s.call(ctx, http.MethodPost, path, ask, &made); err != nil {
		return fmt.Errorf("adding %s: %w", email, err)
	}
	m.Note("%s is added as %s", made.Profile.Login, made.ID)
	if !a.invite {
		m.Note("nobody is invited: the person cannot sign in yet")
	}
	if m.JSON {
		return m.Result(made)
	}
	if !a.invite {
		return nil
	}
	return m.printInvitation(s, made.Profile.Email, made.Embedded.Activation)
}

// printInvitation says where an invitation is, and prints its link alone where it was not mailed.
func (m *CLI) printInvitation(s *Client, email string, invited activation) error {
	switch {
	case invited.URL != "":
		m.Note("the link is good until %s and for one person: hand it over yourself", m.Moment(invited.Expires))
		return m.Line("%s", invited.URL)
	case !invited.Mailed:
		m.Note("%s is active again, without an invitation", email)
	case s.Offline:
		m.Note("an invitation is in the outbox: it is mailed when the service runs")
	default:
		m.Note("an invitation is on its way to %s", email)
	}
	return nil
}

// user is what is printed of one; --json prints all that the API says.
type user struct {
	ID        string                     `json:"id"`
	Status    string                     `json:"status"`
	Created   time.Time                  `json:"created"`
	LastLogin time.Time                  `json:"lastLogin"`
	Profile   map[string]json.RawMessage `json:"profile"`
	GroupIDs  []string                   `json:"groupIds"`
}

// text is a member of the profile as people read it.
func (p user) text(name string) string {
	var s string
	if raw := p.Profile[name]; json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

func (p user) name() string {
	return strings.TrimSpace(p.text("firstName") + " " + p.text("lastName"))
}

func userPath(name string, more ...string) string {
	return "/users/" + url.PathEscape(name) + strings.Join(more, "")
}

func (m *CLI) userShow() *cobra.Command {
	c := &cobra.Command{Use: "show EMAIL", Short: "show one person", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("showing %s: %w", args[0], err)
		}
		return printOne(m, raw, func(u user) error { return m.showUser(ctx, s, u) })
	})
}

// showUser prints a person with the garages and roles that they have.
func (m *CLI) showUser(ctx context.Context, s *Client, u user) error {
	groups, err := pages[group](ctx, s, userPath(u.ID, "/groups"), nil, 0)
	if err != nil {
		return fmt.Errorf("showing the groups of %s: %w", u.text("login"), err)
	}
	rows := [][]string{{"id", u.ID}, {"status", u.Status}, {"created", m.Moment(u.Created)}, {"last sign-in", m.Moment(u.LastLogin)}}
	var roles []roleAssignment
	if err := s.call(ctx, http.MethodGet, userPath(u.ID, "/roles"), nil, &roles); err != nil {
		return fmt.Errorf("showing the roles of %s: %w", u.text("login"), err)
	}
	for _, g := range groups {
		rows = append(rows, []string{"group", g.ID + " " + g.Profile.Name})
	}
	for _, g := range roles {
		rows = append(rows, []string{"role", g.Type + " for " + scope(g.Targets)})
	}
	for _, name := range memberNames(u.Profile) {
		if value := u.text(name); value != "null" && value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	return m.Table(rows)
}

// memberNames are the names of a profile, those that everybody has first.
func memberNames(profile map[string]json.RawMessage) []string {
	first := []string{"login", "email", "secondEmail", "firstName", "lastName", "locale"}
	var rest []string
	for name := range profile {
		if !slices.Contains(first, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(first, rest...)
}

func (m *CLI) userList() *cobra.Command {
	var starts, status, garage string
	var most int
	c := &cobra.Command{Use: "list", Short: "list people: id, status, sign-in name, name, last sign-in", Args: cli.ExactArgs()}
	c.Flags().StringVar(&starts, "q", "", "only whose name or address begins so")
	known := choiceFlag(c, &status, "status", "only those in this state", statuses)
	c.Flags().StringVar(&garage, "group", "", "only the members of a group, by id or name")
	c.Flags().IntVar(&most, "limit", 0, "at most so many; 0 lists all")
	list := func(ctx context.Context, s *Client, _ []string) error {
		path, values := "/users", url.Values{}
		if garage != "" {
			id, err := s.groupID(ctx, garage)
			if err != nil {
				return err
			}
			path = "/groups/" + url.PathEscape(id) + "/users"
		}
		if starts != "" {
			values.Set("q", starts)
		}
		if status != "" {
			values.Set("filter", fmt.Sprintf("status eq %q", status))
		}
		all, err := pages[json.RawMessage](ctx, s, path, values, most)
		if err != nil {
			return fmt.Errorf("listing people: %w", err)
		}
		return printList(m, all, func(u user) []string {
			return []string{u.ID, u.Status, u.text("login"), u.name(), m.Moment(u.LastLogin)}
		})
	}
	return m.withClient(c, list, known, func(Connector) error {
		switch {
		case garage != "" && starts+status != "":
			return cli.Usagef("--group lists all members: it goes with neither --q nor --status")
		case most < 0:
			return cli.Usagef("--limit: want 0 or more")
		}
		return nil
	})
}

// statuses are where a person can stand.
var statuses = []string{"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"}

func (m *CLI) userDelete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete EMAIL", Short: "remove a person for ever",
		Long: "Deactivates a person who is not yet, and removes them with every device and membership. The log keeps what they did.",
		Args: cli.ExactArgs("EMAIL"),
	}
	sure := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var u user
		if err := s.call(ctx, http.MethodGet, userPath(args[0]), nil, &u); err != nil {
			return fmt.Errorf("deleting %s: %w", args[0], err)
		}
		if err := sure("delete %s (%s) for ever", u.text("login"), u.name()); err != nil {
			return err
		}
		if u.Status != "DEPROVISIONED" {
			if err := s.call(ctx, http.MethodPost, userPath(u.ID, "/lifecycle/deactivate"), nil, nil); err != nil {
				return fmt.Errorf("deactivating %s: %w", args[0], err)
			}
		}
		if err := s.call(ctx, http.MethodDelete, userPath(u.ID), nil, nil); err != nil {
			return fmt.Errorf("deleting %s: %w", args[0], err)
		}
		m.Note("%s is deleted", u.text("login"))
		return nil
	})
}
