"""Text that models, skills and people wrote, made safe markup: pure functions, hostile input in, `Markup` out."""
