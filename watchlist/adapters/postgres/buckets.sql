-- name: lease
SELECT granted, remaining FROM lease(%b, %b, %b, %b, %b, %b, %b, %b)
