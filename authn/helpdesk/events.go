package helpdesk

import (
	"context"

	"barillet/internal/audit"
)

func (d *Desk) Events(ctx context.Context, op Operator, q audit.Query) ([]audit.Entry, string, error) {
	return nil, "", errTODO
}
