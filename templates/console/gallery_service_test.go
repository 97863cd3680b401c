package console_test

func galleryService(lang string) []sample { return nil }
