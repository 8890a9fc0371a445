"""THE USE CASES. One public function is one transaction."""
