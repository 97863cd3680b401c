package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func (p *program) groupCommand() *cobra.Command {
	c := parent("group", "garages")
	c.AddCommand(p.groupAddCommand())
	return c
}

func (p *program) groupAddCommand() *cobra.Command {
	var to target
	c := &cobra.Command{
		Use: "add NAME", Short: "make a garage and print its id",
		Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			service, err := to.connect(c.Context(), p, false)
			if err != nil {
				return err
			}
			defer service.done()
			var ask, made struct {
				ID      string `json:"id,omitempty"`
				Profile struct {
					Name string `json:"name"`
				} `json:"profile"`
			}
			ask.Profile.Name = args[0]
			if err := service.call(c.Context(), http.MethodPost, "/groups", ask, &made); err != nil {
				return fmt.Errorf("adding the group: %w", err)
			}
			if p.json {
				return p.result(made)
			}
			_, err = fmt.Fprintln(p.stdout, made.ID)
			return err
		},
	}
	to.register(c)
	p.jsonFlag(c)
	return c
}
