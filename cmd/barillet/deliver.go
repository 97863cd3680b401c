package main

import (
	"context"

	"barillet/internal/outbound"
	"barillet/internal/webhook"
)

// delivery carries what package oidc sends to applications by the one way out.
type delivery struct{ client *outbound.Client }

// Deliver implements oidc.Deliverer: whatever is not 2xx is not delivered (OpenID Connect Back-Channel Logout 1.0
// section 2.8 has 200, and 204 is as good).
func (d delivery) Deliver(ctx context.Context, url, media string, body []byte) error {
	answer, err := d.client.Post(ctx, url, map[string][]string{"Content-Type": {media}}, body)
	return webhook.Judge(answer.Status, err)
}
