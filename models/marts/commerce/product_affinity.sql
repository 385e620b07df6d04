{{ config(unique_key=['product_a', 'product_b'], meta={'rebuild_by': 'everything'}) }}

with

bought as (

    select * from {{ ref('int_basket_products') }}

),

baskets as (

    select cast(coalesce(sum(buying_sessions), 0) as bigint) as basket_count
    from {{ ref('int_sessions_daily') }}

),

products as (

    select
        product_id,
        count(*) as basket_count
    from bought
    group by product_id

),

-- A pair in two baskets is of products in two baskets.
often_bought as (

    select
        bought.session_id,
        bought.product_id,
        products.basket_count,
        count(*) over (partition by bought.session_id) as product_count
    from bought
    inner join products
        on bought.product_id = products.product_id
    where products.basket_count >= 2

),

-- Pairs are many: of thousands of products, sent twice, there would be more than an engine can count.
paired as (

    select * from often_bought
    where product_count <= {{ var('affinity_most_products') }}

),

pairs as (

    select
        one.product_id as product_a,
        other.product_id as product_b,
        one.basket_count as baskets_a,
        other.basket_count as baskets_b,
        count(*) as pair_count
    from paired as one
    inner join paired as other
        on
            one.session_id = other.session_id
            and one.product_id <> other.product_id
    group by one.product_id, other.product_id, one.basket_count, other.basket_count

),

final as (

    select
        pairs.product_a,
        pairs.product_b,
        pairs.pair_count,
        {{ ratio('pairs.pair_count', 'baskets.basket_count') }} as support,
        {{ ratio('pairs.pair_count', 'pairs.baskets_a') }} as confidence,
        {{ ratio('(pairs.pair_count * baskets.basket_count)', '(pairs.baskets_a * pairs.baskets_b)') }} as lift
    from pairs
    cross join baskets
    where pairs.pair_count >= 2

)

select * from final
