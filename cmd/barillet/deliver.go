package main

import (
	"context"
	"fmt"

	"barillet/internal/outbound"
)

// delivery carries what package oidc sends to applications by the one way out.
type delivery struct{ client *outbound.Client }

// Deliver implements oidc.Deliverer: whatever is not 2xx is not delivered (OpenID Connect Back-Channel Logout 1.0
// section 2.8 has 200, and 204 is as good).
func (d delivery) Deliver(ctx context.Context, url, media string, body []byte) error {
	answer, err := d.client.Post(ctx, url, map[string][]string{"Content-Type": {media}}, body)
	if answer.Status/100 == 2 { // whatever is wrong with what comes after the status
		return nil
	}
	if err != nil {
		return fmt.Errorf("calling an application: %w", err)
	}
	return fmt.Errorf("an application answered %d", answer.Status)
}
