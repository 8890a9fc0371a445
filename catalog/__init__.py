"""THE SHELF. What ships: rubrics, workflows, a sample organisation, the glossary and the mail texts."""
