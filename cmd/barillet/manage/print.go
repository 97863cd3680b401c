package manage

import (
	"encoding/json"
	"fmt"
)

// printList prints a list: all that the API said with --json, else one row each.
func printList[T any](m *CLI, all []json.RawMessage, row func(T) []string) error {
	if m.JSON {
		if all == nil {
			all = []json.RawMessage{}
		}
		return m.Result(all)
	}
	rows := make([][]string, len(all))
	for i, raw := range all {
		var one T
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("reading an entry of the list: %w", err)
		}
		rows[i] = row(one)
	}
	return m.Table(rows)
}

// printOne prints one thing: all that the API said with --json, else what print makes of it.
func printOne[T any](m *CLI, raw json.RawMessage, print func(T) error) error {
	if m.JSON {
		return m.Result(raw)
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return print(one)
}

// printResult prints what the API said of a change with --json; people were told by a note.
func (m *CLI) printResult(raw json.RawMessage) error {
	if m.JSON {
		return m.Result(raw)
	}
	return nil
}
