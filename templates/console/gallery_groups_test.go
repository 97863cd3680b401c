package console_test

func galleryGroups(lang string) []sample { return nil }
