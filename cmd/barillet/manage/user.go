package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) userCommand() *cobra.Command {
	c := parent("user", "people")
	c.AddCommand(p.userAddCommand())
	return c
}

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

type madeUser struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Profile struct {
		Login string `json:"login"`
		Email string `json:"email"`
	} `json:"profile"`
	Embedded struct {
		Activation struct {
			URL     string    `json:"activationUrl,omitempty"`
			Mailed  bool      `json:"mailed"`
			Expires time.Time `json:"expiresAt,omitzero"`
		} `json:"activation,omitzero"`
	} `json:"_embedded,omitzero"`
}

// adding is what user add was told.
type adding struct {
	to             target
	name, role     string
	groups         []string
	invite, noMail bool
}

func (p *program) userAddCommand() *cobra.Command {
	var a adding
	c := &cobra.Command{
		Use: "add EMAIL", Short: "make a person, and invite them",
		Long: "Makes a person. With --invite an invitation is mailed; with --no-mail its link is printed alone on stdout instead.",
		Args: exactly("EMAIL"),
		RunE: func(c *cobra.Command, args []string) error { return p.addUser(c, &a, args[0]) },
	}
	a.to.register(c)
	p.jsonFlag(c)
	c.Flags().StringVar(&a.name, "name", "", "first and last name")
	c.Flags().StringVar(&a.role, "role", "", strings.Join(roles, ", "))
	c.Flags().StringSliceVar(&a.groups, "group", nil, "a group that the person belongs to, by id; may be given again")
	c.Flags().BoolVar(&a.invite, "invite", false, "invite the person")
	c.Flags().BoolVar(&a.noMail, "no-mail", false, "print the invitation's link instead of mailing it")
	return c
}

func (p *program) addUser(c *cobra.Command, a *adding, email string) error {
	if a.noMail && !a.invite {
		return misused("--no-mail is about the invitation: give --invite too")
	}
	if a.role != "" {
		if err := knownRole(a.role); err != nil {
			return err
		}
	}
	ask := newUser{GroupIDs: a.groups, Role: a.role}
	ask.Profile.Login, ask.Profile.Email = email, email
	ask.Profile.FirstName, ask.Profile.LastName, _ = strings.Cut(strings.TrimSpace(a.name), " ")
	ask.Profile.LastName = strings.TrimSpace(ask.Profile.LastName)
	service, err := a.to.connect(c.Context(), p, true)
	if err != nil {
		return err
	}
	defer service.done()
	if a.invite {
		service.warnOfLinks(p)
	}
	var made madeUser
	path := fmt.Sprintf("/users?activate=%t&sendEmail=%t", a.invite, !a.noMail)
	if err := service.call(c.Context(), http.MethodPost, path, ask, &made); err != nil {
		return fmt.Errorf("adding %s: %w", email, err)
	}
	p.note("%s is added as %s", made.Profile.Login, made.ID)
	invited := made.Embedded.Activation
	switch {
	case !a.invite:
		p.note("nobody is invited: the person cannot sign in yet")
	case a.noMail:
		p.note("the link is good until %s and for one person: hand it over yourself", moment(invited.Expires))
	case service.closed:
		p.note("an invitation is in the outbox: it is mailed when the service runs")
	default:
		p.note("an invitation is on its way to %s", made.Profile.Email)
	}
	switch {
	case p.json:
		return p.result(made)
	case invited.URL == "":
		return nil
	}
	_, err = fmt.Fprintln(p.stdout, invited.URL)
	return err
}
